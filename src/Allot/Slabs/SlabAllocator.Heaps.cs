// The heaps of threads. A heap outlives its thread: the next new thread inherits it, bins and all, and Trim empties
// what nobody has inherited.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Allot;

internal sealed unsafe partial class SlabAllocator
{
    private const int LookedAtEachTime = 8;

    [ThreadStatic] private static Dictionary<SlabAllocator, nint>? t_heaps;

    private readonly SteadyLock _heapsLock = new();
    private readonly List<HeapOwner> _heaps = [];
    private int _lastLookedAt;

    /// <summary>The heap of the calling thread.</summary>
    /// <exception cref="InsufficientMemoryException">The system has no memory for it.</exception>
    public ThreadHeap* HeapOfThread()
    {
        t_heaps ??= [];
        if (t_heaps.TryGetValue(this, out nint known)) return (ThreadHeap*)known;
        ThreadHeap* heap = Enlist();
        t_heaps.Add(this, (nint)heap);
        return heap;
    }

    /// <summary>The same, faster where it is the allocator that all share.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ThreadHeap* HeapOfCaller() => IsShared ? GroupMemory.Heap : HeapOfThread();

    /// <summary>Heaps that were ever made.</summary>
    public int HeapCount
    {
        get
        {
            using (_heapsLock.EnterScope()) return _heaps.Count;
        }
    }

    /// <summary>Blocks of a class that lie in the bins of threads. Racy: exact once they are quiet.</summary>
    public long CountInBins(uint index)
    {
        long blocks = 0;
        using (_heapsLock.EnterScope())
        {
            foreach (HeapOwner one in _heaps)
            {
                ulong* none = ThreadHeap.NoMagazine(one.Heap);
                if (index < one.Heap->BinCount) blocks += one.Heap->Bins[index].Blocks(none);
            }
        }

        return blocks;
    }

    private ThreadHeap* Enlist()
    {
        using (_heapsLock.EnterScope())
        {
            if (FindAbandoned_NeedsLock() is { } found)
            {
                found.Thread = Thread.CurrentThread;
                ThreadHeap.ForgetOwners(found.Heap);   // its reserves were those of another thread
                found.Heap->Busy = 0;
                return found.Heap;
            }
        }

        var made = (ThreadHeap*)_metadata.TryAllocate(ThreadHeap.SizeInBytes);
        if (made == null) throw NoMemory((long)ThreadHeap.SizeInBytes);
        made->Base = Arena.Base;
        made->CommittedBytes = CommittedBytes;
        made->Units = (SlabUnit*)Arena.SideTable - ((nuint)Arena.Base >> PageArena.UnitShift);
        made->OwnerKeys = _owners.Keys;
        made->Allocator = _number;
        made->Bottom = Magazine.Bottom;
        ThreadHeap.ForgetOwners(made);
        if (!TryGrowBins(made))
        {
            _metadata.Free((byte*)made, ThreadHeap.SizeInBytes);
            throw NoMemory((long)ThreadHeap.SizeInBytes);
        }

        using (_heapsLock.EnterScope()) _heaps.Add(new HeapOwner(made));
        return made;
    }

    private HeapOwner? FindAbandoned_NeedsLock()
    {
        for (int looked = 0; looked < Math.Min(LookedAtEachTime, _heaps.Count); looked++)
        {
            _lastLookedAt = (_lastLookedAt + 1) % _heaps.Count;
            if (_heaps[_lastLookedAt].IsDead) return _heaps[_lastLookedAt];
        }

        return null;
    }

    // Bins for all classes there are. Called by the owner.
    private bool TryGrowBins(ThreadHeap* heap)
    {
        uint count = (uint)Volatile.Read(ref _classCount), oldCount = heap->BinCount;
        Debug.Assert(count > oldCount, "There is a class without a bin.");
        SlabBin* old = heap->Bins;
        nuint oldBytes = oldCount * (nuint)sizeof(SlabBin), bytes = count * (nuint)sizeof(SlabBin);
        bool fits = old != null && bytes <= MetadataBlocks.RoundUp(oldBytes);
        SlabBin* bins = fits ? old : (SlabBin*)_metadata.TryAllocate(bytes);
        if (bins == null) return false;
        for (uint i = oldCount; i < count; i++)
        {
            bins[i].Batch = ClassOf(i).Batch;
            bins[i].BlockBytes = (uint)ClassOf(i).BlockBytes;
            bins[i].Top = bins[i].End = ThreadHeap.NoMagazine(heap);
        }

        using (_heapsLock.EnterScope())
        {
            if (!fits) new Span<SlabBin>(old, (int)oldCount).CopyTo(new Span<SlabBin>(bins, (int)count));
            ThreadHeap.SetBins(heap, bins, count);
        }

        if (old != null && !fits) _metadata.Free((byte*)old, oldBytes);
        return true;
    }

    private sealed class HeapOwner(ThreadHeap* heap)
    {
        public ThreadHeap* Heap { get; } = heap;

        public Thread Thread { get; set; } = Thread.CurrentThread;

        public bool IsDead => !Thread.IsAlive;

        /// <summary>What the bins looked like when Trim last came by.</summary>
        public ulong Seen { get; set; }
    }
}
