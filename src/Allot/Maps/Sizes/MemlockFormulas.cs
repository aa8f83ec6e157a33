// What a kernel shows as memlock of a map, as a table: one line for each type. It is the kernel's estimate, not what it
// charges: it leaves out the pages of an arena and the nodes in between of a trie, and counts no rounding.
//
//   n  the most elements          k, v  bytes of a key and of a value      C  processors
//   r8(x)  x rounded up to 8      P(x)  the next power of two              pages(x)  x rounded up to pages
//
// All products are of 128 bits and limited to what a long holds: a definition can ask for more than there is memory in
// the world.

using System.Numerics;

namespace Allot.Maps;

internal static class MemlockFormulas
{
    /// <summary>The figure for a map with so many elements in it.</summary>
    public static long Of(MapDefinition map, long count, KernelProfile kernel)
    {
        Int128 n = map.Capacity, k = map.KeyBytes, v = map.ValueBytes, processors = kernel.Processors;
        Int128 page = kernel.PageBytes;
        Int128 bytes = map.Type switch
        {
            MapType.Array when map.Has(MapFlags.Mappable) =>
                Pages(kernel.ArrayBytes, page) + Pages(n * Round8(v), page),
            MapType.Array => kernel.ArrayBytes + (n * Round8(v)),
            MapType.PerCpuArray => kernel.ArrayBytes + (8 * n) + (n * Round8(v) * processors),
            MapType.ProgramArray or MapType.PerfEventArray or MapType.CgroupArray or MapType.ArrayOfMaps =>
                kernel.ArrayBytes + (8 * n),
            MapType.Hash or MapType.PerCpuHash or MapType.LruHash or MapType.LruPerCpuHash or MapType.HashOfMaps =>
                Hash(map, count, kernel),
            MapType.LpmTrie => count * (kernel.TrieNodeBytes + (k - 4) + v),
            MapType.Queue or MapType.Stack => kernel.QueueBytes + ((n + 1) * v),
            MapType.RingBuffer or MapType.UserRingBuffer =>
                kernel.RingBytes + ((3 + (n / page)) * page) + ((3 + (2 * (n / page))) * 8),
            MapType.StackTrace =>
                kernel.StackTraceBytes + (8 * PowerOfTwo(n)) + (n * (kernel.StackTraceElementBytes + v)),
            MapType.DevMap => kernel.DevMapBytes + (8 * n),
            MapType.DevMapHash => kernel.DevMapBytes + (8 * PowerOfTwo(n)) + ((Int128)kernel.DeviceBytes * count),
            MapType.CpuMap => kernel.CpuMapBytes + (8 * n),
            MapType.XskMap => kernel.XskMapBytes + (8 * n),
            MapType.SockMap => kernel.SockMapBytes + (8 * n),
            MapType.SockHash =>
                kernel.SockHashBytes + (16 * PowerOfTwo(n)) + (count * (kernel.HashElementBytes + Round8(k))),
            MapType.ReuseportSockArray => kernel.ReuseportBytes + (8 * n),
            MapType.CgroupStorage or MapType.PerCpuCgroupStorage => kernel.CgroupStorageBytes,
            MapType.SocketStorage or MapType.InodeStorage or MapType.TaskStorage or MapType.CgroupOwnedStorage =>
                kernel.LocalStorageBytes + (16 * Int128.Max(2, PowerOfTwo(processors))),
            MapType.BloomFilter => kernel.BloomBytes + Round8(BloomBits(map) / 8),
            MapType.StructOps => kernel.StructOpsBytes - 64 + (2 * v) + (16 * (Int128)map.FunctionCount) + page,
            _ => 0,
        };
        return Limited(bytes);
    }

    /// <summary>The figure for a program.</summary>
    /// <param name="instructions">How many there are after the kernel has rewritten it.</param>
    /// <param name="kernel">The kernel.</param>
    public static long OfProgram(long instructions, KernelProfile kernel) =>
        Limited(Pages(kernel.ProgramBytes + (8 * (Int128)instructions), kernel.PageBytes));

    /// <summary>The bits of a Bloom filter: 7/5 for each element and hash function, a power of two, and 64 at
    /// least.</summary>
    public static Int128 BloomBits(MapDefinition map)
    {
        const int FunctionsByDefault = 5;
        Int128 functions = (int)(map.MapExtra & 0xf);
        if (functions == 0) functions = FunctionsByDefault;
        Int128 bits = map.Capacity * functions * 7 / 5;
        return bits > uint.MaxValue ? uint.MaxValue : PowerOfTwo(Int128.Max(bits, 64));
    }

    public static Int128 Round8(Int128 bytes) => (bytes + 7) & ~(Int128)7;

    public static Int128 PowerOfTwo(Int128 at) => (Int128)BitOperations.RoundUpToPowerOf2((ulong)at);

    public static long Limited(Int128 bytes) => bytes > long.MaxValue ? long.MaxValue : (long)bytes;

    private static Int128 Pages(Int128 bytes, Int128 page) => (bytes + page - 1) / page * page;

    // An element is 48 + r8(k), and its value, or a pointer to its values, or to its map.
    private static Int128 Hash(MapDefinition map, Int128 count, KernelProfile kernel)
    {
        Int128 processors = kernel.Processors;
        Int128 n = map.Capacity;
        if (map.Has(MapFlags.NoCommonLru)) n = (n + processors - 1) / processors * processors;
        Int128 value = Round8(map.ValueBytes);
        bool isLru = map.Type is MapType.LruHash or MapType.LruPerCpuHash;
        bool isPerCpu = map.Type is MapType.PerCpuHash or MapType.LruPerCpuHash;
        bool isOfPointers = isPerCpu || map.Type == MapType.HashOfMaps;
        Int128 element = kernel.HashElementBytes + Round8(map.KeyBytes) + (isOfPointers ? 8 : value);
        Int128 fixedBytes =
            kernel.HashBytes + (kernel.HashBucketBytes * PowerOfTwo(n)) + (kernel.HashLockBytes * processors);
        if (map.Has(MapFlags.NoPreallocation))
        {
            return fixedBytes + (count * (element + 8)) + (isPerCpu ? count * (16 + (value * processors)) : 0);
        }

        Int128 spare = map.Type == MapType.Hash ? element * processors : 0;
        Int128 sparePointers = isLru || isPerCpu ? 0 : 8 * processors;
        return fixedBytes + (n * element) + spare + sparePointers + (isPerCpu ? value * processors * n : 0);
    }
}
