using Allot.Tests.Pages;

namespace Allot.Tests.Slabs;

/// <summary>An allocator of its own, a tree of two groups, and corruption as an exception.</summary>
internal sealed unsafe class SlabFixture : IDisposable
{
    public SlabFixture(long maxBytes = MemoryGroup.Unlimited, bool isChecked = false)
    {
        Slabs = new SlabAllocator(Pages, 1L << 30, isShared: false, isChecked)
        {
            OnCorruption = what => throw new CorruptionException(what),
        };
        Root = new MemoryController(new MemoryGroupOptions { MaxBytes = maxBytes }).Root;
        A = Root.CreateChild("a");
        B = Root.CreateChild("b");
    }

    public FailingPages Pages { get; } = new();

    public SlabAllocator Slabs { get; }

    public MemoryGroup Root { get; }

    public MemoryGroup A { get; }

    public MemoryGroup B { get; }

    public ThreadHeap* Heap => Slabs.HeapOfThread();

    public GroupAllocator For(MemoryGroup group, MemoryKind kind = MemoryKind.User) => new(Heap, group, kind);

    public nint Allocate(MemoryGroup group, int bytes, MemoryKind kind = MemoryKind.User) =>
        (nint)For(group, kind).Allocate((nuint)bytes);

    public void Free(nint block) => For(A).Free((byte*)block);

    /// <summary>Nothing is charged, and after a trim nothing but bookkeeping is held.</summary>
    public void AssertNothingLeft()
    {
        Assert.Equal(0, Root.Memory.CurrentBytes);
        Assert.Equal(0, Slabs.Validate());
        Slabs.Trim(all: true);
        Assert.Equal(0, Slabs.Validate());
        Assert.Equal(0, BlocksCarved());
        Assert.Equal(0, Slabs.Arena.IdleBytes);
    }

    public long BlocksCarved()
    {
        long carved = 0;
        for (uint i = 0; i < SizeClasses.Count; i++) carved += Slabs.ClassOf(i).ReadCounts().Carved;
        return carved;
    }

    public void Dispose()
    {
        Slabs.Dispose();
        Assert.Equal(0, Pages.ReservedBytes);
    }
}

internal sealed class CorruptionException(string message) : Exception(message);
