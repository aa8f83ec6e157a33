using Allot.Maps;

namespace Allot.Bpf;

/// <summary>The maps that registers can mean: those of the program by their index, and after them the templates of maps
/// in maps. What is found in a map of maps is like its template.</summary>
internal sealed class VerifierMaps
{
    private readonly List<MapDefinition> _all;
    private readonly Dictionary<int, int> _innerOf = [];

    public VerifierMaps(IReadOnlyList<MapDefinition> maps)
    {
        Count = maps.Count;
        _all = [.. maps];
        for (int map = 0; map < maps.Count; map++)
        {
            if (maps[map].InnerMap is not { } inner) continue;
            _innerOf.Add(map, _all.Count);
            _all.Add(inner with { Name = $"a map in {maps[map].Name}" });
        }
    }

    /// <summary>The maps of the program itself.</summary>
    public int Count { get; }

    public MapDefinition this[int map] => _all[map];

    /// <summary>The template of what is in a map of maps; null of any other map.</summary>
    public int? InnerOf(int map) => _innerOf.TryGetValue(map, out int inner) ? inner : null;
}
