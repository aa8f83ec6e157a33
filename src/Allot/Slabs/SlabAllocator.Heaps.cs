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
    private bool _isShared;

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
    public ThreadHeap* HeapOfCaller() => _isShared ? GroupMemory.Heap : HeapOfThread();

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
                if (index < one.Heap->BinCount) blocks += one.Heap->Bins[index].Blocks;
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
        made->CommittedBytes = (nuint)Arena.Frontier << PageArena.UnitShift;
        made->Units = (SlabUnit*)Arena.SideTable;
        made->OwnerKeys = _owners.Keys;
        made->Allocator = _number;
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
        uint count = (uint)Volatile.Read(ref _classCount);
        Debug.Assert(count > heap->BinCount, "There is a class without a bin.");
        var bins = (SlabBin*)_metadata.TryAllocate(count * (nuint)sizeof(SlabBin));
        if (bins == null) return false;
        SlabBin* old = heap->Bins;
        uint oldCount = heap->BinCount;
        new Span<SlabBin>(old, (int)oldCount).CopyTo(new Span<SlabBin>(bins, (int)count));
        for (uint i = oldCount; i < count; i++)
        {
            bins[i].Batch = ClassOf(i).Batch;
            bins[i].BlockBytes = ClassOf(i).BlockBytes;
        }

        using (_heapsLock.EnterScope())
        {
            heap->Bins = bins;
            heap->BinBytes = count << SlabBin.SizeLog2;
        }

        if (old != null) _metadata.Free((byte*)old, oldCount * (nuint)sizeof(SlabBin));
        return true;
    }

    /// <summary>What the calling thread and ended ones keep of a class goes back to its spans.</summary>
    public void Empty(uint index)
    {
        if (t_heaps is not null && t_heaps.TryGetValue(this, out nint own)) EmptyBin((ThreadHeap*)own, index);
        using (_heapsLock.EnterScope())
        {
            foreach (HeapOwner one in _heaps)
            {
                if (one.IsDead) EmptyBin(one.Heap, index);
            }
        }
    }

    // What a thread keeps goes back to the spans.
    private void Empty(ThreadHeap* heap)
    {
        for (uint i = 0; i < heap->BinCount; i++) EmptyBin(heap, i);
    }

    private void EmptyBin(ThreadHeap* heap, uint index)
    {
        if (index >= heap->BinCount) return;
        SlabBin* bin = heap->Bins + index;
        if (bin->Head != null) ClassOf(index).BringToSpans(bin->Head);
        if (bin->Spare != null) ClassOf(index).BringToSpans(bin->Spare);
        bin->Head = bin->Spare = null;
        bin->Count = 0;
    }

    private sealed class HeapOwner(ThreadHeap* heap)
    {
        public ThreadHeap* Heap { get; } = heap;

        public Thread Thread { get; set; } = Thread.CurrentThread;

        public bool IsDead => !Thread.IsAlive;
    }
}
