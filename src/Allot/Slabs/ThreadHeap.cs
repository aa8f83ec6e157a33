using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Allot;

/// <summary>What one thread has of an allocator, in one piece of native memory: reached by one thread-local number.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ThreadHeap
{
    public const int EntryCount = 64;

    private const int StartBytes = 256;

    private const int SmallSizes = (SizeClasses.TableBytes >> 3) + 1, LineBytes = 64;

    // This begins at the start of a page, as large blocks do. What each call reads lies elsewhere in its page, so that
    // no line of it is in the way of theirs: by chance, a pair took twice the time.
    private fixed long _start[StartBytes / sizeof(long)];

    // Copies of what the arena says, so that all is in one line. CommittedBytes may be behind; who finds an address
    // beyond it looks at the arena again.
    public nint Base;
    public nuint CommittedBytes;

    // Where the unit of address 0 would be. A call often waits until the one before it has found the unit of its block:
    // so that is done without a subtraction.
    public SlabUnit* Units;
    public long* OwnerKeys;

    // Of all classes this thread has met. The table grows on its own thread only.
    public SlabBin* Bins;
    public uint BinBytes;

    // 1 while the thread may be about to write down an owner that it has checked: see SlabOwners.
    public int Busy;

    public int Allocator;

    // 1 while somebody moves blocks of the bins outside of the fast path: see SlabAllocator.Bins.cs.
    public int Lock;

    // The first of the thread's reserves; 0 where the heap is not attached to it.
    public nint Slots;

    // What bins without a magazine point behind.
    public ulong Bottom;

    // What is charged to nobody is spent from here: it never ends.
    public ReserveSlot Unlimited;

    public readonly uint BinCount => BinBytes >> SlabBin.SizeLog2;

    public static nuint SizeInBytes => (nuint)(OwnersAt + (2 * EntryCount * OwnerEntry.SizeInBytes));

    /// <summary>The bin for a size of at most <see cref="SizeClasses.TableBytes"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SlabBin* SmallBin(ThreadHeap* heap, nuint bytes) => SmallBins(heap)[(bytes + 7) >> 3];

    /// <summary>Where bins without a magazine have their top.</summary>
    public static ulong* NoMagazine(ThreadHeap* heap) => &heap->Bottom + 1;

    /// <summary>The bins of the heap are there from now on, and so many.</summary>
    public static void SetBins(ThreadHeap* heap, SlabBin* bins, uint count)
    {
        bool hasMoved = heap->Bins != bins;
        heap->Bins = bins;
        heap->BinBytes = count << SlabBin.SizeLog2;
        if (!hasMoved) return;
        for (int i = 0; i < SmallSizes; i++) SmallBins(heap)[i] = bins + SizeClasses.IndexByTable((nuint)i << 3);
    }

    /// <summary>The owners that this thread allocates for, by key.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static OwnerEntry* ByKey(ThreadHeap* heap, long key) => Owners(heap) + (key & (EntryCount - 1));

    /// <summary>The owners whose blocks this thread frees, by number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static OwnerEntry* ById(ThreadHeap* heap, int id) =>
        Owners(heap) + EntryCount + ((uint)id & (EntryCount - 1));

    // Behind the heap: the bin for each size up to 8 * i. It is the first that a fast path reads, and close enough that
    // a heap of null is a NullReferenceException.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static SlabBin** SmallBins(ThreadHeap* heap) => (SlabBin**)(heap + 1);

    // Behind those, so that none is in two cache lines.
    private static int OwnersAt => (sizeof(ThreadHeap) + (SmallSizes * sizeof(SlabBin*)) + LineBytes - 1) & -LineBytes;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static OwnerEntry* Owners(ThreadHeap* heap) => (OwnerEntry*)((byte*)heap + OwnersAt);

    /// <summary>Forgets where the previous owner of this heap held bytes in advance.</summary>
    public static void ForgetOwners(ThreadHeap* heap)
    {
        new Span<OwnerEntry>(Owners(heap), 2 * EntryCount).Clear();
        heap->Unlimited = default;
        heap->Unlimited.Key = SlabOwners.NobodyKey;
        heap->Unlimited.Capacity = long.MaxValue;
        heap->Unlimited.Balance = long.MaxValue / 2;
        *ById(heap, SlabOwners.Nobody) = new OwnerEntry
        {
            Id = SlabOwners.Nobody,
            Key = SlabOwners.NobodyKey,
            Slot = &heap->Unlimited,
        };
    }

    /// <summary>Allows the owner the fast path for what is charged to nobody, where it was ended.</summary>
    public static void OpenUnlimited(ThreadHeap* heap)
    {
        if (Volatile.Read(ref heap->Unlimited.Key) != 0) return;
        EnterLock(heap);
        Volatile.Write(ref heap->Unlimited.Key, SlabOwners.NobodyKey);
        ExitLock(heap);
    }

    /// <summary>Ends it, for another thread. A process-wide barrier, and then the owner is waited for.</summary>
    public static void CloseUnlimited_NeedsLock(ThreadHeap* heap) => Volatile.Write(ref heap->Unlimited.Key, 0);

    public static void AwaitUnlimited_NeedsLock(ThreadHeap* heap)
    {
        SteadySpin spin = default;
        while (Volatile.Read(ref heap->Unlimited.Busy) == ReserveSlot.InUse) spin.Once();
    }

    public static void EnterLock(ThreadHeap* heap)
    {
        SteadySpin spin = default;
        while (Interlocked.CompareExchange(ref heap->Lock, 1, 0) != 0) spin.Once();
    }

    public static void ExitLock(ThreadHeap* heap) => Volatile.Write(ref heap->Lock, 0);

    /// <summary>Begins to write down an owner.</summary>
    /// <returns>False when it is one no longer; nothing was begun.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryEnter(ThreadHeap* heap, int id, long key)
    {
        Volatile.Write(ref heap->Busy, 1);
        if (Volatile.Read(ref heap->OwnerKeys[id]) == key) return true;
        Volatile.Write(ref heap->Busy, 0);
        return false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Leave(ThreadHeap* heap)
    {
        Debug.Assert(heap->Busy == 1, "Who leaves has entered.");
        Volatile.Write(ref heap->Busy, 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SlabUnit* UnitOf(ThreadHeap* heap, byte* block) =>
        heap->Units + ((nuint)block >> PageArena.UnitShift);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SlabBin* BinOf(ThreadHeap* heap, SlabUnit* unit) =>
        (SlabBin*)((byte*)heap->Bins + unit->BinOffset);

    /// <summary>The index of a block among those that start in its unit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int IndexInUnit(SlabUnit* unit, byte* block) =>
        (int)(((ulong)((nint)block - unit->SpanStart) >> 3) * unit->IndexInverse >> 32) - unit->FirstIndex;
}
