// Allot's own ways to allocate.

using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace Allot.Benchmarks.Slabs;

/// <summary>Blocks that are charged to a group, all levels of which have a limit that is never reached.</summary>
internal static unsafe class AllotHeaps
{
    private const long LimitBytes = 1L << 40;

    private static readonly Lazy<MemoryGroup> s_uncounted = new(static () => new MemoryController(
        new MemoryGroupOptions(), new() { KernelAccounting = KernelAccountingMode.OnFirstLimit }).Root.CreateChild("free"));

    public static HeapSubject ByAllocator { get; } = new("Allot, by handle", static depth =>
        new HeapLoop<OpenAllocator, nint>(new Allocators(Leaf(depth), MemoryKind.User)))
    {
        IsOurs = true,
    };

    public static HeapSubject ByGroup { get; } = new("Allot, by group", static depth =>
        new HeapLoop<Group, nint>(new Group(Leaf(depth))))
    {
        IsOurs = true,
    };

    /// <summary>The same allocator where nobody pays: kernel memory that the group does not count.</summary>
    public static HeapSubject Uncharged { get; } = new("Allot, charged to nobody", static depth =>
        new HeapLoop<OpenAllocator, nint>(new Allocators(s_uncounted.Value, MemoryKind.Kernel)))
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

    /// <summary>What all the groups of the benchmarks hold.</summary>
    public static long ChargedBytes => s_leaves.Values.Sum(static leaf => leaf.Memory.CurrentBytes);

    private static MemoryGroup Leaf(int depth) => s_leaves.GetOrAdd(depth, NewLeaf);

    private static MemoryGroup NewLeaf(int depth)
    {
        var limits = new MemoryGroupOptions { MaxBytes = LimitBytes };
        MemoryGroup group = new MemoryController(limits).Root;
        for (int level = 1; level < depth; level++) group = group.CreateChild("below", limits);
        return group;
    }

    private sealed class Allocators(MemoryGroup group, MemoryKind kind) : IHeapSource<OpenAllocator>
    {
        public OpenAllocator Open() => new(group.Allocator(kind));
    }

    private readonly ref struct OpenAllocator(GroupAllocator allocator) : IHeap<nint>
    {
        private readonly GroupAllocator _allocator = allocator;

        public nint Allocate(nuint bytes) => (nint)_allocator.Allocate(bytes);

        public void Free(nint block) => _allocator.Free((byte*)block);
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
            return (nint)(_isSecond ? _second.Allocate(bytes) : _first.Allocate(bytes));
        }

        public readonly void Free(nint block)
        {
            if (_isSecond) _second.Free((byte*)block);
            else _first.Free((byte*)block);
        }
    }

    /// <summary>The same where each call finds anew what belongs to its thread: not a loop of its caller.</summary>
    public static HeapSubject ByGroupApart { get; } = new("Allot, by group, apart", static depth =>
        new HeapLoop<ApartGroup, nint>(new ApartGroup(Leaf(depth))))
    {
        IsOurs = true,
    };

    /// <summary>The same for an allocator that its caller has.</summary>
    public static HeapSubject ByAllocatorApart { get; } = new("Allot, by handle, apart", static depth =>
        new HeapLoop<ApartAllocator, nint>(new ApartAllocators(Leaf(depth))))
    {
        IsOurs = true,
    };

    /// <summary>Blocks of the group of the innermost scope.</summary>
    public static HeapSubject Ambient { get; } = new("Allot, in a scope", static depth =>
        new HeapLoop<Scoped, nint>(new Scoped(Leaf(depth))))
    {
        IsOurs = true,
    };

    /// <summary>The same where each call finds anew what belongs to its thread: not a loop of its caller.</summary>
    public static HeapSubject AmbientApart { get; } = new("Allot, in a scope, apart", static depth =>
        new HeapLoop<ScopedApart, nint>(new ScopedApart(new Scoped(Leaf(depth)))))
    {
        IsOurs = true,
    };

    private readonly struct ScopedApart(Scoped scoped) : IHeap<nint>, IHeapSource<ScopedApart>
    {
        public ScopedApart Open()
        {
            _ = scoped.Open();
            return this;
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        public nint Allocate(nuint bytes) => scoped.Allocate(bytes);

        [MethodImpl(MethodImplOptions.NoInlining)]
        public void Free(nint block) => scoped.Free(block);
    }

    private readonly struct Scoped(MemoryGroup group) : IHeap<nint>, IHeapSource<Scoped>
    {
        public Scoped Open()
        {
#pragma warning disable ALLOT003 // never left: the thread measures, and no more
            if (AllocationContext.ActiveGroup != group) _ = group.Enter();
#pragma warning restore ALLOT003
            return this;
        }

        public nint Allocate(nuint bytes) => (nint)GroupMemory.Allocate(bytes);

        public void Free(nint block) => GroupMemory.Free((byte*)block);
    }

    private readonly struct ApartGroup(MemoryGroup group) : IHeap<nint>, IHeapSource<ApartGroup>
    {
        public ApartGroup Open() => this;

        public nint Allocate(nuint bytes) => Allocate(group, bytes);

        public void Free(nint block) => Free((byte*)block);

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static nint Allocate(MemoryGroup group, nuint bytes) => (nint)GroupMemory.Allocate(group, bytes);

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static void Free(byte* block) => GroupMemory.Free(block);
    }

    private sealed class ApartAllocators(MemoryGroup group) : IHeapSource<ApartAllocator>
    {
        public ApartAllocator Open() => new(group.Allocator());
    }

    private readonly ref struct ApartAllocator(GroupAllocator allocator) : IHeap<nint>
    {
        private readonly GroupAllocator _allocator = allocator;

        public nint Allocate(nuint bytes) => Allocate(_allocator, bytes);

        public void Free(nint block) => Free(_allocator, (byte*)block);

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static nint Allocate(in GroupAllocator allocator, nuint bytes) => (nint)allocator.Allocate(bytes);

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static void Free(in GroupAllocator allocator, byte* block) => allocator.Free(block);
    }

    private readonly struct Group(MemoryGroup group) : IHeap<nint>, IHeapSource<Group>
    {
        public Group Open() => this;

        public nint Allocate(nuint bytes) => (nint)GroupMemory.Allocate(group, bytes);

        public void Free(nint block) => GroupMemory.Free((byte*)block);
    }

    /// <summary>Objects of 64 bytes, whatever is asked for.</summary>
    private readonly struct Cache(MemoryGroup group) : IHeap<nint>, IHeapSource<Cache>
    {
        private static readonly ObjectCache<Line> s_cache = new("lines", new() { Kind = MemoryKind.User });

        public Cache Open() => this;

        public nint Allocate(nuint bytes) => (nint)s_cache.Allocate(group);

        public void Free(nint block) => s_cache.Free((Line*)block);
    }

    private struct Line
    {
        public fixed byte Bytes[64];
    }
}
