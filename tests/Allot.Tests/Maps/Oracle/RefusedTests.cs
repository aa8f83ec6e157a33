using Allot.Maps;

namespace Allot.Tests.Maps.Oracle;

/// <summary>What a kernel refuses is refused, with its error, before anything is charged.</summary>
public sealed class RefusedTests
{
    public static TheoryData<string> Rows => [.. OracleRows.Of("refused")];

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_definition_is_refused_with_the_error_of_the_kernel(string row)
    {
        string[] words = row.Split(' ');
        MapDefinition map = OracleRows.Definition(words) with { MapExtra = (ulong)OracleRows.Number(words[5]) };
        if (words[6] == "none") map = map with { InnerMap = null };
        if (words[6] == "maps") map = map with { InnerMap = map };
        var tree = new TreeOfThree();
        var refused = Assert.Throws<MapRefusedException>(() => GroupMap.Create(tree.Leaf, map));
        Assert.Equal(OracleRows.Number(words[7]), refused.Error);
        Assert.Equal(refused.Error, Assert.Throws<MapRefusedException>(() => MapSizes.Of(map)).Error);
        Assert.Equal([0, 0, 0], tree.Memory);
    }
}
