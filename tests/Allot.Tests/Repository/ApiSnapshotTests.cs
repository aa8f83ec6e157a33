using System.Reflection;

namespace Allot.Tests.Repository;

/// <summary>The public surface is a committed text, so that a change of it shows in the diff and is reviewed as such.
/// </summary>
public sealed class ApiSnapshotTests
{
    private const string Snapshot = "docs/reference/api.txt";

    // Every shipped library. One without public types adds nothing to the text.
    private static readonly string[] s_libraries = ["Allot", "Allot.Bpf", "Allot.Processes"];

    [Fact]
    public void The_public_surface_is_the_committed_one()
    {
        string actual = Actual();
        string expected = RepositoryFiles.Exists(Snapshot) ? RepositoryFiles.Read(Snapshot) : "";
        if (actual == expected) return;

        string written = Path.Combine(AppContext.BaseDirectory, "api.txt");
        File.WriteAllText(written, actual);
        Assert.Fail(
            $"The public surface is not that of {Snapshot}:\n{Difference(expected, actual)}\n"
            + $"If the change is meant, accept it: cp '{written}' '{Path.Combine(RepositoryFiles.Root, Snapshot)}'");
    }

    [Fact]
    public void The_text_is_the_same_every_time() => Assert.Equal(Actual(), Actual());

    [Fact]
    public void A_member_of_every_sort_is_in_the_text()
    {
        string text = PublicSurface.Of([typeof(MemoryGroup), typeof(GroupCharging), typeof(GroupProtection), typeof(RefusalReason)]);
        Assert.Contains("sealed class Allot.MemoryGroup\n", text);
        Assert.Contains("    const long Unlimited = 9223372036854775807\n", text);
        Assert.Contains("    MemoryGroup? Parent { get; }\n", text);
        Assert.Contains("    MemoryGroup CreateChild(string name, MemoryGroupOptions? options = null)\n", text);
        Assert.Contains("    extension(MemoryGroup) bool TryCharge(MemoryKind kind, long bytes, out ", text);
        Assert.Contains("    extension(MemoryGroup) long LowBytes { get; set; }\n", text);
        Assert.Contains("    LimitReached = 1\n", text);
        Assert.DoesNotContain("internal", text);
        Assert.DoesNotContain("<G>", text);   // the compiler's types for extension blocks
    }

    private static string Actual() =>
        "# The public surface, written by the API snapshot test, which also says how to accept a change.\n\n"
        + string.Concat(s_libraries.Select(name => PublicSurface.Of(Assembly.Load(name)))).TrimEnd('\n') + "\n";

    private static string Difference(string expected, string actual)
    {
        string[] before = expected.Split('\n');
        string[] after = actual.Split('\n');
        IEnumerable<string> gone = before.Except(after).Select(line => "- " + line);
        IEnumerable<string> come = after.Except(before).Select(line => "+ " + line);
        return string.Join('\n', gone.Concat(come));
    }
}
