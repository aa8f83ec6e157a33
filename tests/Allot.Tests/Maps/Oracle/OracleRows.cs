using System.Globalization;
using Allot.Maps;
using Allot.Tests.Repository;

namespace Allot.Tests.Maps.Oracle;

/// <summary>What a real kernel answered, a line each.</summary>
internal static class OracleRows
{
    public static IEnumerable<string> Of(string file) =>
        RepositoryFiles.ReadLines($"tests/Allot.Tests/Maps/Oracle/{file}.txt").Where(line => !line.StartsWith('#'));

    /// <summary>The definition that the first five words of a line are.</summary>
    public static MapDefinition Definition(string[] words)
    {
        MapType type = Enum.Parse<MapType>(words[0]);
        return new MapDefinition
        {
            Name = "oracle",
            Type = type,
            Flags = Convert.ToUInt32(words[1], 16),
            KeyBytes = (int)Number(words[2]),
            ValueBytes = Number(words[3]),
            Capacity = Number(words[4]),
            InnerMap = type is MapType.ArrayOfMaps or MapType.HashOfMaps ? Inner : null,
        };
    }

    public static long Number(string word) => long.Parse(word, CultureInfo.InvariantCulture);

    public static MapDefinition Inner { get; } =
        new() { Name = "inner", Type = MapType.Array, KeyBytes = 4, ValueBytes = 8, Capacity = 4 };
}
