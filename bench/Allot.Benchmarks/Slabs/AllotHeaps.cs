// Allot's own ways to allocate. Each operation is a method that is not inlined, as a library that is called would be.

using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace Allot.Benchmarks.Slabs;

/// <summary>Blocks that are charged to a group, all levels of which have a limit that is never reached.</summary>
internal static unsafe class AllotHeaps
{
    private const long LimitBytes = 1L << 40;

    public static HeapSubject ByAllocator { get; } = new("Allot, by handle", static depth =>
        new HeapLoop<OpenAllocator, nint>(new Allocators(Leaf(depth))))
    {
        IsOurs = true,
    };

    public static HeapSubject ByGroup { get; } = new("Allot, by group", static depth =>
        new HeapLoop<Group, nint>(new Group(Leaf(depth))))
    {
        IsOurs = true,
    };

    public static HeapSubject ByCache { get; } = new("Allot, object cache", static depth =>
        new HeapLoop<Cache, nint>(new Cache(Leaf(depth))))
    {
        IsOurs = true,
    };

    public static HeapSubject InTurn { get; } = new("Allot, two groups in turn", static _ =>
        new HeapLoop<OpenPair, nint>(new Pairs(NewLeaf(3), NewLeaf(3))))
    {
        IsOurs = true,
    };

    // One for each depth: a unit that two groups have blocks in is a case of its own.
    private static readonly ConcurrentDictionary<int, MemoryGroup> s_leaves = new();

    private static MemoryGroup Leaf(int depth) => s_leaves.GetOrAdd(depth, NewLeaf);

    private static MemoryGroup NewLeaf(int depth)
    {
        var limits = new MemoryGroupOptions { MaxBytes = LimitBytes };
        MemoryGroup group = new MemoryController(limits).Root;
        for (int level = 1; level < depth; level++) group = group.CreateChild("below", limits);
        return group;
    }

    private sealed class Allocators(MemoryGroup group) : IHeapSource<OpenAllocator>
    {
        public OpenAllocator Open() => new(group.Allocator());
    }

    private readonly ref struct OpenAllocator(GroupAllocator allocator) : IHeap<nint>
    {
        private readonly GroupAllocator _allocator = allocator;

        public nint Allocate(nuint bytes) => Allocate(_allocator, bytes);

        public void Free(nint block) => Free(_allocator, block);

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static nint Allocate(in GroupAllocator allocator, nuint bytes) => (nint)allocator.Allocate(bytes);

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static void Free(in GroupAllocator allocator, nint block) => allocator.Free((byte*)block);
    }

    private sealed class Pairs(MemoryGroup first, MemoryGroup second) : IHeapSource<OpenPair>
    {
        public OpenPair Open() => new(first.Allocator(), second.Allocator());
    }

    private ref struct OpenPair(GroupAllocator first, GroupAllocator second) : IHeap<nint>
    {
        private readonly GroupAllocator _first = first, _second = second;
        private bool _isSecond;

        public nint Allocate(nuint bytes)
        {
            _isSecond = !_isSecond;
            return _isSecond ? Allocate(_second, bytes) : Allocate(_first, bytes);
        }

        public readonly void Free(nint block)
        {
            if (_isSecond) Free(_second, block);
            else Free(_first, block);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static nint Allocate(in GroupAllocator allocator, nuint bytes) => (nint)allocator.Allocate(bytes);

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static void Free(in GroupAllocator allocator, nint block) => allocator.Free((byte*)block);
    }

    private readonly struct Group(MemoryGroup group) : IHeap<nint>, IHeapSource<Group>
    {
        public Group Open() => this;

        public nint Allocate(nuint bytes) => Allocate(group, bytes);

        public void Free(nint block) => FreeBlock(block);

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static nint Allocate(MemoryGroup group, nuint bytes) => (nint)GroupMemory.Allocate(group, bytes);

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static void FreeBlock(nint block) => GroupMemory.Free((byte*)block);
    }

    /// <summary>Objects of 64 bytes, whatever is asked for.</summary>
    private readonly struct Cache(MemoryGroup group) : IHeap<nint>, IHeapSource<Cache>
    {
        private static readonly ObjectCache<Line> s_cache = new("lines", new() { Kind = MemoryKind.User });

        public Cache Open() => this;

        public nint Allocate(nuint bytes) => Allocate(group);

        public void Free(nint block) => FreeBlock(block);

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static nint Allocate(MemoryGroup group) => (nint)s_cache.Allocate(group);

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static void FreeBlock(nint block) => s_cache.Free((Line*)block);
    }

    private struct Line
    {
        public fixed byte Bytes[64];
    }
}
