using System.Text.RegularExpressions;

namespace Allot.Tests.Repository;

/// <summary>The calls of the system and of <c>Memory</c> that lock or pin are made in one place each, where a group pays
/// for them. The calls of the collector are in eng/BannedSymbols.txt; these are names in strings, or of other types too.
/// </summary>
public sealed partial class PinCallsTests
{
    private const string Sources = "src/Allot/PinSources/";

    private static readonly Dictionary<string, string[]> s_allowed = new()
    {
        ["mlock"] = [$"{Sources}Native/UnixMemoryLocks.cs"],
        ["mlock2"] = [$"{Sources}Native/UnixMemoryLocks.cs"],
        ["mlockall"] = [],
        ["VirtualLock"] = [$"{Sources}Native/WindowsMemoryLocks.cs"],
        ["ibv_reg_mr"] = [$"{Sources}Devices/Verbs.cs"],
        ["cuMemHostRegister_v2"] = [$"{Sources}Devices/Cuda.cs"],
        [".Pin()"] = [$"{Sources}IoRing.cs", $"{Sources}PinnedMemory.cs"],
    };

    [Fact]
    public void Nothing_else_locks_or_pins()
    {
        (string Path, string Call)[] found =
        [
            .. from path in RepositoryFiles.With(".cs")
               where path.StartsWith("src/", StringComparison.Ordinal)
               from call in CallsIn(RepositoryFiles.Read(path))
               select (path, call),
        ];
        Assert.Equal(s_allowed.Where(allowed => allowed.Value.Length > 0).Select(allowed => allowed.Key).Order(),
            found.Select(one => one.Call).Distinct().Order());
        Assert.All(found, one => Assert.Contains(one.Path, s_allowed[one.Call]));
    }

    [Fact]
    public void A_call_is_found_by_its_entry_point_its_name_or_its_export()
    {
        Assert.Equal(["mlockall"], CallsIn("[LibraryImport(\"libc\", EntryPoint = \"mlockall\")]"));
        Assert.Equal(["VirtualLock"], CallsIn("private static partial bool VirtualLock(nuint a, nuint b);"));
        Assert.Equal(["ibv_reg_mr"], CallsIn("NativeLibrary.GetExport(library, \"ibv_reg_mr\")"));
        Assert.Equal([".Pin()"], CallsIn("using MemoryHandle handle = memory.Pin();"));
        Assert.Empty(CallsIn("(\"mlock\", 149), account.Pin(4096);"));
    }

    private static IEnumerable<string> CallsIn(string source) => EntryPoint().Matches(source)
        .Concat(Export().Matches(source))
        .Concat(Declaration().Matches(source))
        .Select(match => match.Groups["call"].Value)
        .Concat(Pin().Matches(source).Select(_ => ".Pin()"))
        .Where(s_allowed.ContainsKey);

    [GeneratedRegex("EntryPoint = \"(?<call>\\w+)\"")]
    private static partial Regex EntryPoint();

    [GeneratedRegex("GetExport\\(\\w+, \"(?<call>\\w+)\"\\)")]
    private static partial Regex Export();

    [GeneratedRegex(@"static partial \w+ (?<call>\w+)\(")]
    private static partial Regex Declaration();

    [GeneratedRegex(@"\w\]?\.Pin\(\)")]
    private static partial Regex Pin();
}
