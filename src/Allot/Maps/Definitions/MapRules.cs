// Which maps there can be: the rules of Linux 6.18 for each type, in its order, with its error. The order matters where
// a definition breaks two of them. What is an answer of one kernel's memory only (ENOMEM) is not here: our limits
// answer that.

using System.Diagnostics;

namespace Allot.Maps;

internal static class MapRules
{
    private const long AllocationMax = 4L << 20;     // the largest piece of memory without a mapping of its own
    private const long PerCpuValueMax = 32 << 10;    // the smallest unit of per-processor memory
    private const long BucketsMax = 1L << 27;
    private const int StackFramesMax = 127, BuildIdBytes = 32;

    /// <exception cref="MapRefusedException">Linux refuses such a map, with the same error.</exception>
    public static void Check(MapDefinition map, KernelProfile kernel)
    {
        bool takesExtra = map.Type is MapType.BloomFilter or MapType.Arena;
        bool isType = map.Type is > MapType.None and < MapType.InstructionArray;
        Require(map, isType, MapErrors.Invalid, "there is no such type");
        Require(map, takesExtra || map.MapExtra == 0, MapErrors.Invalid, "this type has no extra number");
        bool isNeither = map.Has(MapFlags.ReadOnly) && map.Has(MapFlags.WriteOnly);
        Require(map, !isNeither, MapErrors.Invalid, "the host can either only read or only write");
        Require(
            map,
            map.KeyBytes >= 0
            && map.ValueBytes is >= 0 and <= uint.MaxValue
            && map.Capacity is >= 0 and <= uint.MaxValue,
            MapErrors.Invalid,
            "sizes are from 0 to 4294967295");
        CheckType(map, kernel);
    }

    public static MapRefusedException Refuse(MapDefinition map, int error, string rule)
    {
        Debug.Assert(error < 0, "An error of Linux is negative here.");
        return new MapRefusedException($"map '{map.Name}' of type {map.Type}: {rule}", error);
    }

    private static void CheckType(MapDefinition map, KernelProfile kernel)
    {
        switch (map.Type)
        {
            case MapType.Array or MapType.PerCpuArray:
                CheckArray(map);
                break;
            case MapType.ProgramArray or MapType.PerfEventArray or MapType.CgroupArray or MapType.ArrayOfMaps:
                CheckArrayOfHandles(map);
                break;
            case MapType.ReuseportSockArray:
                Require(map, map.ValueBytes is 4 or 8, MapErrors.Invalid, "a value has 4 or 8 bytes");
                CheckArray(map);
                break;
            case MapType.HashOfMaps:
                Require(map, map.ValueBytes == 4, MapErrors.Invalid, "a value has 4 bytes");
                CheckHash(map);
                CheckInner(map);
                break;
            case MapType.Hash or MapType.PerCpuHash or MapType.LruHash or MapType.LruPerCpuHash:
                CheckHash(map);
                break;
            case MapType.LpmTrie:
                CheckTrie(map);
                break;
            case MapType.Queue or MapType.Stack:
                CheckQueue(map);
                break;
            case MapType.RingBuffer or MapType.UserRingBuffer:
                CheckRing(map, kernel);
                break;
            case MapType.StackTrace:
                CheckStackTrace(map);
                break;
            case MapType.BloomFilter:
                CheckBloom(map);
                break;
            case MapType.CpuMap:
                CheckHandles(map, MapFlags.NumaNode, map.ValueBytes is 4 or 8);
                int processors = kernel.ProcessorsMax;
                Require(map, map.Capacity <= processors, MapErrors.TooBig, $"{processors} processors at most");
                break;
            case MapType.DevMap or MapType.DevMapHash:
                CheckHandles(map, HandleFlags, map.ValueBytes is 4 or 8);
                Require(
                    map,
                    map.Type == MapType.DevMap || map.Capacity <= 1L << 31,
                    MapErrors.Invalid,
                    "2147483648 elements at most");
                break;
            case MapType.SockMap:
                CheckHandles(map, HandleFlags, map.ValueBytes is 4 or 8);
                break;
            case MapType.XskMap:
                CheckHandles(map, HandleFlags, map.ValueBytes is 4);
                break;
            case MapType.SockHash:
                CheckSockHash(map);
                break;
            case MapType.CgroupStorage or MapType.PerCpuCgroupStorage:
                CheckCgroupStorage(map);
                break;
            case MapType.SocketStorage or MapType.InodeStorage or MapType.TaskStorage or MapType.CgroupOwnedStorage:
                CheckLocalStorage(map);
                break;
            case MapType.StructOps:
                RequireKey(map, 4);
                Require(map, map.Capacity == 1 && map.ValueBytes >= 64, MapErrors.Invalid, "it has one value");
                RequireFlags(map, MapFlags.Link);
                Require(map, map.FunctionCount > 0, MapErrors.Invalid, "it has functions");
                break;
            case MapType.Arena:
                CheckArena(map, kernel);
                break;
            default:
                throw Refuse(map, MapErrors.Invalid, "there is no such type");
        }
    }

    private const uint HandleFlags = MapFlags.NumaNode | MapFlags.ReadOnly | MapFlags.WriteOnly;

    private static void CheckArray(MapDefinition map)
    {
        RequireSome(map);
        RequireKey(map, 4);
        RequireValue(map);
        uint known = MapFlags.NumaNode | MapFlags.Access;
        if (map.Type == MapType.Array) known |= MapFlags.Mappable | MapFlags.InnerMap;
        if (map.Type == MapType.PerCpuArray) known &= ~MapFlags.NumaNode;
        if (map.Type == MapType.PerfEventArray) known |= MapFlags.PreserveElements;
        RequireFlags(map, known);
        Require(map, map.ValueBytes <= int.MaxValue, MapErrors.TooBig, "a value has 2147483647 bytes at most");
        if (map.Type == MapType.PerCpuArray) RequirePerCpuValue(map);
    }

    private static void CheckArrayOfHandles(MapDefinition map)
    {
        Require(map, map.ValueBytes == 4, MapErrors.Invalid, "a value has 4 bytes");
        bool isForPrograms = map.Has(MapFlags.ReadOnlyForPrograms) || map.Has(MapFlags.WriteOnlyForPrograms);
        Require(map, !isForPrograms, MapErrors.Invalid, "programs do not write it anyway");
        CheckArray(map);
        if (map.Type == MapType.ArrayOfMaps) CheckInner(map);
    }

    private static void CheckInner(MapDefinition map)
    {
        Require(map, map.InnerMap is not null, MapErrors.Invalid, "its inner map is not defined");
        bool isNested = map.InnerMap!.Type is MapType.ArrayOfMaps or MapType.HashOfMaps;
        Require(map, !isNested, MapErrors.Invalid, "an inner map does not hold maps in turn");
    }

    private static void CheckHash(MapDefinition map)
    {
        bool isLru = map.Type is MapType.LruHash or MapType.LruPerCpuHash;
        bool isPerCpu = map.Type is MapType.PerCpuHash or MapType.LruPerCpuHash;
        RequireFlags(
            map,
            MapFlags.NoPreallocation | MapFlags.NoCommonLru | MapFlags.NumaNode | MapFlags.Access | MapFlags.ZeroSeed);
        Require(map, isLru || !map.Has(MapFlags.NoCommonLru), MapErrors.Invalid, "only an LRU map has a list of use");
        bool isLate = isLru && map.Has(MapFlags.NoPreallocation);
        Require(map, !isLate, MapErrors.NotSupported, "an LRU map has all its memory from the start");
        bool isOnNode = map.Has(MapFlags.NumaNode) && (isPerCpu || map.Has(MapFlags.NoCommonLru));
        Require(map, !isOnNode, MapErrors.Invalid, "what each processor has is on all nodes");
        RequireSome(map);
        Require(map, map.KeyBytes > 0, MapErrors.Invalid, "a key has a byte");
        RequireValue(map);
        const long HeaderBytes = 48;
        Require(
            map,
            map.KeyBytes + map.ValueBytes < AllocationMax - HeaderBytes,
            MapErrors.TooBig,
            $"key and value have less than {AllocationMax - HeaderBytes} bytes");
        if (isPerCpu) RequirePerCpuValue(map);
        Require(map, map.Capacity <= BucketsMax, MapErrors.TooBig, $"{BucketsMax} elements at most");
    }

    private static void CheckTrie(MapDefinition map)
    {
        const int KeyMin = 5, KeyMax = 260;
        const long ValueMax = AllocationMax - 256 - 40;
        RequireSome(map);
        Require(map, map.Has(MapFlags.NoPreallocation), MapErrors.Invalid, "it has the flag NO_PREALLOC");
        RequireFlags(map, MapFlags.NoPreallocation | MapFlags.NumaNode | MapFlags.Access);
        bool isKey = map.KeyBytes is >= KeyMin and <= KeyMax;
        Require(map, isKey, MapErrors.Invalid, $"a key has {KeyMin} to {KeyMax} bytes");
        Require(map, map.ValueBytes is > 0 and <= ValueMax, MapErrors.Invalid, $"a value has 1 to {ValueMax} bytes");
    }

    private static void CheckQueue(MapDefinition map)
    {
        RequireSome(map);
        RequireKey(map, 0);
        RequireValue(map);
        RequireFlags(map, MapFlags.NumaNode | MapFlags.Access);
        Require(map, map.ValueBytes <= AllocationMax, MapErrors.TooBig, $"a value has {AllocationMax} bytes at most");
    }

    private static void CheckRing(MapDefinition map, KernelProfile kernel)
    {
        RequireFlags(map, MapFlags.NumaNode);
        RequireKey(map, 0);
        Require(map, map.ValueBytes == 0, MapErrors.Invalid, "it has no values");
        bool isPower = System.Numerics.BitOperations.IsPow2(map.Capacity);
        Require(
            map,
            isPower && map.Capacity % kernel.PageBytes == 0,
            MapErrors.Invalid,
            "it is a power of two, and whole pages");
    }

    private static void CheckStackTrace(MapDefinition map)
    {
        RequireFlags(map, HandleFlags | MapFlags.StackBuildId);
        RequireSome(map);
        RequireKey(map, 4);
        long frameBytes = map.Has(MapFlags.StackBuildId) ? BuildIdBytes : sizeof(ulong);
        Require(
            map,
            map.ValueBytes >= frameBytes
            && map.ValueBytes % frameBytes == 0
            && map.ValueBytes / frameBytes <= StackFramesMax,
            MapErrors.Invalid,
            $"a value has 1 to {StackFramesMax} frames of {frameBytes} bytes");
        Require(map, map.Capacity <= 1L << 31, MapErrors.TooBig, "2147483648 elements at most");
    }

    private static void CheckBloom(MapDefinition map)
    {
        Require(map, map.ValueBytes <= AllocationMax, MapErrors.TooBig, $"a value has {AllocationMax} bytes at most");
        RequireKey(map, 0);
        RequireValue(map);
        RequireSome(map);
        RequireFlags(map, MapFlags.NumaNode | MapFlags.ZeroSeed | MapFlags.Access);
        Require(map, map.MapExtra <= 15, MapErrors.Invalid, "it has at most 15 hash functions");
    }

    private static void CheckHandles(MapDefinition map, uint knownFlags, bool isValue)
    {
        RequireSome(map);
        RequireKey(map, 4);
        Require(map, isValue, MapErrors.Invalid, $"a value has not {map.ValueBytes} bytes");
        RequireFlags(map, knownFlags);
    }

    private static void CheckSockHash(MapDefinition map)
    {
        const int KeyMax = 512;
        RequireSome(map);
        Require(map, map.KeyBytes > 0, MapErrors.Invalid, "a key has a byte");
        Require(map, map.ValueBytes is 4 or 8, MapErrors.Invalid, "a value has 4 or 8 bytes");
        RequireFlags(map, HandleFlags);
        Require(map, map.KeyBytes <= KeyMax, MapErrors.TooBig, $"a key has {KeyMax} bytes at most");
        Require(map, map.Capacity <= BucketsMax, MapErrors.Invalid, $"{BucketsMax} elements at most");
    }

    private static void CheckCgroupStorage(MapDefinition map)
    {
        long most = map.Type == MapType.PerCpuCgroupStorage ? PerCpuValueMax : LocalValueMax;
        Require(map, map.KeyBytes is 8 or 16, MapErrors.Invalid, "a key has 8 or 16 bytes");
        RequireValue(map);
        Require(map, map.ValueBytes <= most, MapErrors.TooBig, $"a value has {most} bytes at most");
        RequireFlags(map, MapFlags.NumaNode | MapFlags.Access);
        Require(map, map.Capacity == 0, MapErrors.Invalid, "the number of its elements is not limited");
    }

    // What a 16-bit size can say, with the header of an element.
    private const long LocalValueMax = ushort.MaxValue - 128;

    private static void CheckLocalStorage(MapDefinition map)
    {
        RequireFlags(map, MapFlags.NoPreallocation | MapFlags.Clone);
        Require(map, map.Has(MapFlags.NoPreallocation), MapErrors.Invalid, "it has the flag NO_PREALLOC");
        Require(map, map.Capacity == 0, MapErrors.Invalid, "the number of its elements is not limited");
        RequireKey(map, 4);
        RequireValue(map);
        Require(map, map.ValueBytes <= LocalValueMax, MapErrors.TooBig, $"a value has {LocalValueMax} bytes at most");
    }

    private static void CheckArena(MapDefinition map, KernelProfile kernel)
    {
        const uint NoUserAddresses = 1 << 18;
        const long BytesMax = 1L << 32;
        RequireKey(map, 0);
        Require(map, map.ValueBytes == 0, MapErrors.Invalid, "it has no values");
        RequireSome(map);
        Require(map, map.Has(MapFlags.Mappable), MapErrors.Invalid, "it has the flag MMAPABLE");
        RequireFlags(map, MapFlags.Mappable | MapFlags.FaultInArena | NoUserAddresses);
        Require(map, map.MapExtra % (ulong)kernel.PageBytes == 0, MapErrors.Invalid, "its address is that of a page");
        long bytes = map.Capacity * kernel.PageBytes;
        Require(map, bytes <= BytesMax, MapErrors.TooBig, $"{BytesMax / kernel.PageBytes} pages at most");
        bool isWithin = map.MapExtra >> 32 == (map.MapExtra + (ulong)bytes - 1) >> 32;
        Require(map, isWithin, MapErrors.OutOfRange, "it does not cross a multiple of 4 GiB");
    }

    private static void RequireSome(MapDefinition map) =>
        Require(map, map.Capacity > 0, MapErrors.Invalid, "it has room for one element at least");

    private static void RequireValue(MapDefinition map) =>
        Require(map, map.ValueBytes > 0, MapErrors.Invalid, "a value has a byte");

    private static void RequireKey(MapDefinition map, int bytes) =>
        Require(map, map.KeyBytes == bytes, MapErrors.Invalid, $"a key has {bytes} bytes");

    private static void RequirePerCpuValue(MapDefinition map) => Require(
        map,
        map.ValueBytes <= PerCpuValueMax,
        MapErrors.TooBig,
        $"a value of one processor has {PerCpuValueMax} bytes at most");

    private static void RequireFlags(MapDefinition map, uint known)
    {
        uint unknown = map.Flags & ~known;
        Require(map, unknown == 0, MapErrors.Invalid, $"the flags 0x{unknown:x} do not exist for this type");
        bool isForNobody = map.Has(MapFlags.ReadOnlyForPrograms) && map.Has(MapFlags.WriteOnlyForPrograms);
        Require(map, !isForNobody, MapErrors.Invalid, "programs can either only read or only write");
    }

    private static void Require(MapDefinition map, bool holds, int error, string rule)
    {
        if (!holds) throw Refuse(map, error, rule);
    }
}
