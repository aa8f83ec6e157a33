using System.Text.Json;
using System.Text.RegularExpressions;

namespace Allot.Processes.Tests.Reporting;

/// <summary>The keys that the document promises are those that the report has: no more, no fewer.</summary>
public sealed partial class ReportKeysTests
{
    private const string Document = "docs/reference/report.md";

    [Fact]
    public void The_documented_keys_are_those_of_the_report()
    {
        string[] written = [.. Keys(JsonDocument.Parse(Full().ToJson()).RootElement, "").Order(StringComparer.Ordinal)];
        string[] documented = [.. DocumentedKeys().Order(StringComparer.Ordinal)];
        Assert.Equal(written, documented);
    }

    [Fact]
    public void The_example_of_the_document_has_the_same_keys()
    {
        string example = Example().Match(ReadDocument()).Groups["json"].Value;
        JsonElement written = JsonDocument.Parse(Full().ToJson()).RootElement;
        Assert.Equal(Keys(written, ""), Keys(JsonDocument.Parse(example).RootElement, ""));
    }

    [Fact]
    public void Nothing_known_is_null_and_no_key_is_missing()
    {
        ProcessGroupReport report = Full() with { Signal = null, Cgroup = null, Refusals = [] };
        JsonElement json = JsonDocument.Parse(report.ToJson()).RootElement;
        Assert.Equal(JsonValueKind.Null, json.GetProperty("signal").ValueKind);
        Assert.Equal(JsonValueKind.Null, json.GetProperty("cgroup").ValueKind);
        Assert.Equal(JsonValueKind.Array, json.GetProperty("refusals").ValueKind);
    }

    // by_kind is one key: what is below it are the kernel's names.
    private static IEnumerable<string> Keys(JsonElement element, string path) => element.ValueKind switch
    {
        JsonValueKind.Object when !path.EndsWith("by_kind", StringComparison.Ordinal) => element.EnumerateObject()
            .SelectMany(property => Keys(property.Value, path.Length == 0 ? property.Name : $"{path}.{property.Name}")),
        JsonValueKind.Array when element.GetArrayLength() > 0 && element[0].ValueKind == JsonValueKind.Object =>
            Keys(element[0], path + "[]"),
        _ => [path],
    };

    private static IEnumerable<string> DocumentedKeys() =>
        KeyRow().Matches(ReadDocument()).Select(match => match.Groups["key"].Value);

    private static ProcessGroupReport Full() => new()
    {
        Group = "group",
        Command = ["command"],
        ExitCode = 137,
        Signal = 9,
        DurationMilliseconds = 1.5,
        Memory = new MemoryUse { MaxBytes = 1, PeakBytes = 1, CurrentBytes = 1, Refused = 1, OomKills = 1 },
        Kernel = new KernelUse
        {
            MaxBytes = 1,
            PeakBytes = 1,
            CurrentBytes = 1,
            Refused = 1,
            ByKind = new Dictionary<string, long> { ["slab"] = 1 },
            Readings = 1,
        },
        Pins = new PinUse
        {
            MaxBytes = 1,
            PeakBytes = 1,
            CurrentBytes = 1,
            Refused = 1,
            LockedPeakBytes = 1,
            PinnedPeakBytes = 1,
        },
        Refusals = [new CallRefusals { Call = "mkdir", Errno = "ENOMEM", Count = 1 }],
        Notifications = new NotificationTimes { Count = 1, MedianMicroseconds = 1, NinetyNinthMicroseconds = 1 },
        Cgroup = new CgroupFate { Version = 2, Path = "/", Removed = false, LeftBehind = "why" },
        LeftoverProcesses = 1,
    };

    private static string ReadDocument()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Allot.slnx")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        Assert.True(folder is not null, "The tests run inside the repository: no Allot.slnx above.");
        return File.ReadAllText(Path.Combine(folder, Document)).ReplaceLineEndings("\n");
    }

    [GeneratedRegex(@"^\| `(?<key>[a-z0-9_.\[\]]+)` \|", RegexOptions.Multiline)]
    private static partial Regex KeyRow();

    [GeneratedRegex(@"^```json\n(?<json>[\s\S]*?)^```", RegexOptions.Multiline)]
    private static partial Regex Example();
}
