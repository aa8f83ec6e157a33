using Allot.Maps;

namespace Allot.Testing;

/// <summary>Work for threads on one LRU map, and the walk over all of it when they are done. Each value says its key.
/// </summary>
internal static unsafe class LruLoad
{
    /// <summary>Processors that a map is to have: more than the machine, so that threads meet.</summary>
    public const int Processors = 4;

    private const int SlotsMost = Processors;

    /// <summary>The kinds there are: for one and for each processor, in a common order and in one of each.</summary>
    public static IEnumerable<MapDefinition> Kinds(long capacity) =>
        from type in new[] { MapType.LruHash, MapType.LruPerCpuHash }
        from flags in new[] { 0u, MapFlags.NoCommonLru }
        select new MapDefinition
        {
            Name = "lru",
            Type = type,
            KeyBytes = sizeof(long),
            ValueBytes = sizeof(long),
            Capacity = capacity,
            Flags = flags,
        };

    /// <summary>What one thread does. Most of it is with few keys, so that some elements are in use and others grow
    /// old.</summary>
    /// <param name="map">The map.</param>
    /// <param name="seed">Of this thread.</param>
    /// <param name="operations">How many.</param>
    /// <exception cref="InvalidOperationException">A value was another key's.</exception>
    public static void Work(LruHashMap map, ulong seed, int operations)
    {
        var random = new Prng(seed);
        var keys = (int)map.Definition.Capacity * 2;
        long* values = stackalloc long[SlotsMost];
        for (int i = 0; i < operations; i++)
        {
            long key = random.Below(random.OneIn(3) ? keys : keys / 16), other;
            for (int slot = 0; slot < SlotsMost; slot++) values[slot] = ~key;
            switch (random.Below(12))
            {
                case < 3:
                    Require(map.Write((byte*)&key, (byte*)values) is 0 or MapErrors.NoMemory, "an update is done");
                    break;
                case 3:
                    _ = map.Update((byte*)&key, (byte*)values, (ulong)random.Below(3));
                    break;
                case 4:
                    if (map.LookupAndDelete((byte*)&key, (byte*)values) == 0) RequireIsOf(key, values);
                    break;
                case 5:
                    _ = map.Remove((byte*)&key);
                    break;
                case 6:
                    if (map.NextKey((byte*)&key, (byte*)&other) == 0) Require(other >= 0 && other < keys, "keys are keys");
                    break;
                case 7 or 8:
                    _ = map.Lookup((byte*)&key);
                    break;
                default:
                    if (map.Read((byte*)&key, (byte*)values) == 0) RequireIsOf(key, values);
                    break;
            }
        }
    }

    /// <summary>Walks over everything. Nobody uses the map meanwhile.</summary>
    /// <exception cref="InvalidOperationException">Something is not as it should be.</exception>
    public static void Check(LruHashMap map)
    {
        map.Validate();
        long place = 0, key, count = 0;
        var seen = new HashSet<long>();
        while (map.NextElement(ref place, (byte*)&key) != null)
        {
            Require(seen.Add(key), "a key is there once");
            Require(map.Lookup((byte*)&key) != null, "what is listed is found");
            count++;
        }

        Require(count == map.Count, "elements are counted");
        Require(map.Count <= (map.Definition.Capacity + Processors - 1) / Processors * Processors, "there is room");
        Require(map.ChargedBytes == map.Memory.AllocatedBytes, "what is charged is what is allocated");
        Require(map.ChargedBytes == map.Group.Kernel.CurrentBytes, "the group pays for it, and for nothing else");
    }

    // Of the processors that have not written to a new element, it is zero.
    private static void RequireIsOf(long key, long* values) =>
        Require(values[0] == ~key || values[0] == 0, "a value is of its key");

    private static void Require(bool holds, string truth)
    {
        if (!holds) throw new InvalidOperationException($"In an LRU map, {truth}.");
    }
}
