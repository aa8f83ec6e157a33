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

    // Copies of what the arena says, so that all is in one line. CommittedBytes may be behind; who finds an address
    // beyond it looks at the arena again.
    public nint Base;
    public nuint CommittedBytes;
    public SlabUnit* Units;
    public long* OwnerKeys;

    // Of all classes this thread has met. The table grows on its own thread only.
    public SlabBin* Bins;
    public uint BinBytes;

    // 1 while the thread may be about to write down an owner that it has checked: see SlabOwners.
    public int Busy;

    public int Allocator;

    // What is charged to nobody is spent from here: it never ends.
    public ReserveSlot Unlimited;

    public readonly uint BinCount => BinBytes >> SlabBin.SizeLog2;

    public static nuint SizeInBytes => (nuint)sizeof(ThreadHeap) + (2 * EntryCount * (nuint)sizeof(OwnerEntry));

    /// <summary>The owners that this thread allocates for, by key.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static OwnerEntry* ByKey(ThreadHeap* heap, long key) =>
        (OwnerEntry*)(heap + 1) + (key & (EntryCount - 1));

    /// <summary>The owners whose blocks this thread frees, by number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static OwnerEntry* ById(ThreadHeap* heap, int id) =>
        (OwnerEntry*)(heap + 1) + EntryCount + (id & (EntryCount - 1));

    /// <summary>Forgets where the previous owner of this heap held bytes in advance.</summary>
    public static void ForgetOwners(ThreadHeap* heap)
    {
        new Span<OwnerEntry>(heap + 1, 2 * EntryCount).Clear();
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
        heap->Units + ((nuint)((nint)block - heap->Base) >> PageArena.UnitShift);

    /// <summary>The index of a block among those that start in its unit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int IndexInUnit(SlabUnit* unit, byte* block) =>
        (int)(((ulong)((nint)block - unit->SpanStart) >> 4) * unit->IndexInverse >> 32) - unit->FirstIndex;
}
