using Allot.Maps;

namespace Allot.Bpf.Tests.Fuzz;

/// <summary>Programs that real compilers have made, to be mutated: those of some objects. The first entry is the maps of
/// random programs.</summary>
internal sealed class FuzzCorpus : IDisposable
{
    private static readonly MapDefinition s_array =
        new() { Name = "array", Type = MapType.Array, KeyBytes = 4, ValueBytes = 24, Capacity = 2 };

    private static readonly MapDefinition s_hash =
        new() { Name = "hash", Type = MapType.Hash, KeyBytes = 8, ValueBytes = 16, Capacity = 4, Flags = MapFlags.ZeroSeed };

    private static readonly MapDefinition s_arena =
        new() { Name = "arena", Type = MapType.Arena, Capacity = ArenaBytes / ArenaMap.PageBytes, Flags = MapFlags.Mappable };

    private readonly List<(byte[] Program, FuzzMaps Maps)> _programs = [];

    public const int ArenaBytes = 4 * ArenaMap.PageBytes;

    public FuzzCorpus(MemoryGroup root, IReadOnlyList<byte[]> objects)
    {
        Objects = objects;
        StandardMaps = new FuzzMaps(
            root.CreateChild("maps"), static group => [BpfMaps.Create(group, s_array), BpfMaps.Create(group, s_hash)]);
        ArenaMaps = new FuzzMaps(root.CreateChild("arena"), MakeArena);
        for (int index = 0; index < objects.Count; index++)
        {
            BpfObject read = BpfObject.Read(objects[index]);
            var maps = new FuzzMaps(root.CreateChild($"maps{index}"), group => read.CreateChangedMaps(group, InOneOrder));
            _programs.AddRange(read.Programs.Select(each => (each.Instructions.ToArray(), maps)));
        }
    }

    /// <summary>An array, and a hash map.</summary>
    public FuzzMaps StandardMaps { get; }

    /// <summary>An arena, of which not all is there. It is at another address each time.</summary>
    public FuzzMaps ArenaMaps { get; }

    public IReadOnlyList<byte[]> Objects { get; }

    public IReadOnlyList<(byte[] Program, FuzzMaps Maps)> Programs => _programs;

    public void Dispose()
    {
        StandardMaps.Dispose();
        ArenaMaps.Dispose();
        foreach ((_, FuzzMaps maps) in _programs) maps.Dispose();
    }

    // What goes through all elements must find them in the same order each time.
    private static MapDefinition InOneOrder(MapDefinition map) =>
        map.Type is MapType.Hash or MapType.PerCpuHash or MapType.LruHash or MapType.LruPerCpuHash
            ? map with { Flags = map.Flags | MapFlags.ZeroSeed }
            : map;

    private static unsafe IReadOnlyList<GroupMap> MakeArena(MemoryGroup group)
    {
        var arena = (ArenaMap)BpfMaps.Create(group, s_arena);
        arena.AllocatePages(2, at: 0);
        arena.AllocatePages(1, at: 3);
        return [arena];
    }
}
