using Allot.Maps;

namespace Allot.Tests.Maps.Oracle;

/// <summary>The kernel's figures, from its own formulas, are what a kernel showed.</summary>
public sealed class MemlockTests
{
    private static readonly KernelProfile s_recorded = new() { Processors = 2 };

    public static TheoryData<string> Empty => [.. OracleRows.Of("memlock-empty")];

    public static TheoryData<string> Filled => [.. OracleRows.Of("memlock-filled")];

    public static TheoryData<string> Programs => [.. OracleRows.Of("memlock-programs")];

    [Theory]
    [MemberData(nameof(Empty))]
    public void A_new_map_shows_what_the_kernel_shows(string row)
    {
        string[] words = row.Split(' ');
        MapDefinition map = OracleRows.Definition(words);
        long extra = OracleRows.Number(words[5]);
        map = map.Type == MapType.StructOps
            ? map with { FunctionCount = (int)extra }
            : map with { MapExtra = (ulong)extra };
        MapRules.Check(map, s_recorded);
        Assert.Equal(OracleRows.Number(words[6]), MemlockFormulas.Of(map, count: 0, s_recorded));
    }

    [Theory]
    [MemberData(nameof(Filled))]
    public void A_map_with_elements_shows_what_the_kernel_shows(string row)
    {
        string[] words = row.Split(' ');
        long count = OracleRows.Number(words[5]);
        Assert.Equal(
            OracleRows.Number(words[6]), MemlockFormulas.Of(OracleRows.Definition(words), count, s_recorded));
    }

    [Theory]
    [MemberData(nameof(Programs))]
    public void A_program_shows_what_the_kernel_shows(string row)
    {
        string[] words = row.Split(' ');
        Assert.Equal(OracleRows.Number(words[1]), MemlockFormulas.OfProgram(OracleRows.Number(words[0]), s_recorded));
    }
}
