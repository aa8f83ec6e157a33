// Memory for the allocator's own bookkeeping: heaps of threads, bins, owners of mixed units. It is charged to nobody,
// and taken from units of its own, so that an allocation never needs an allocation of the kind it is in the middle of.
//
// Blocks of 1 KiB and more lie in units with others of their size: the owners of mixed units can be a quarter of what
// is allocated, and have to go when that goes. The record of such a unit says what of it is free; it goes back when all
// is, but for the last one of each size with room. Smaller blocks are halves of larger ones, and stay: those are few.

using System.Diagnostics;
using System.Numerics;

namespace Allot;

internal sealed unsafe class MetadataBlocks(PageArena arena)
{
    private const int SmallestLog2 = 6, SmallestReturnedLog2 = 10;

    private readonly SteadyLock _lock = new();

    // Under the lock. Free blocks of 2^(6 + i) bytes, linked by their first word; and units with room for one of
    // 2^(10 + i), linked by Next and Previous.
    private readonly nint[] _free = new nint[SmallestReturnedLog2 - SmallestLog2];
    private readonly nint[] _units = new nint[PageArena.UnitShift - SmallestReturnedLog2];
    private long _usedBytes;

    /// <summary>Bytes that are handed out, rounded as they are.</summary>
    public long UsedBytes => Volatile.Read(ref _usedBytes);

    /// <summary>The bytes of a block that so many are asked of.</summary>
    public static nuint RoundUp(nuint bytes) => (nuint)1 << Log2Of(bytes);

    /// <returns>A block, zeroed; null when the system has no memory.</returns>
    public byte* TryAllocate(nuint bytes)
    {
        int log2 = Log2Of(bytes);
        byte* block;
        if (log2 >= PageArena.UnitShift)
        {
            int unit = arena.TryAllocate(1 << (log2 - PageArena.UnitShift));
            if (unit < 0) return null;
            block = (byte*)arena.AddressOf(unit);
        }
        else
        {
            using (_lock.EnterScope()) block = TryTake_NeedsLock(log2);
            if (block == null) return null;
        }

        Interlocked.Add(ref _usedBytes, 1L << log2);
        new Span<byte>(block, 1 << log2).Clear();
        return block;
    }

    public void Free(byte* block, nuint bytes)
    {
        int log2 = Log2Of(bytes);
        long left = Interlocked.Add(ref _usedBytes, -(1L << log2));
        Debug.Assert(left >= 0, "A block comes back once, with the size it was asked with.");
        if (log2 >= PageArena.UnitShift)
        {
            arena.Free(UnitOf(block), 1 << (log2 - PageArena.UnitShift));
            return;
        }

        using (_lock.EnterScope()) Put_NeedsLock(block, log2);
    }

    private byte* TryTake_NeedsLock(int log2)
    {
        Debug.Assert(_lock.IsHeldByCurrentThread, "Lists are changed under the lock.");
        if (log2 >= SmallestReturnedLog2) return TryTakeFromUnit_NeedsLock(log2);
        nint block = _free[log2 - SmallestLog2];
        if (block != 0)
        {
            _free[log2 - SmallestLog2] = *(nint*)block;
            return (byte*)block;
        }

        byte* pair = TryTake_NeedsLock(log2 + 1);
        if (pair == null) return null;
        Put_NeedsLock(pair + (1 << log2), log2);
        return pair;
    }

    private void Put_NeedsLock(byte* block, int log2)
    {
        if (log2 >= SmallestReturnedLog2)
        {
            PutIntoUnit_NeedsLock(block, log2);
            return;
        }

        *(nint*)block = _free[log2 - SmallestLog2];
        _free[log2 - SmallestLog2] = (nint)block;
    }

    private byte* TryTakeFromUnit_NeedsLock(int log2)
    {
        ref nint first = ref _units[log2 - SmallestReturnedLog2];
        if (first == 0)
        {
            int made = arena.TryAllocate(1);
            if (made < 0) return null;
            List(ref first, RecordOf(made));
        }

        var unit = (SlabUnit*)first;
        byte* block = unit->FreeHead;
        if (block != null)
        {
            unit->FreeHead = *(byte**)block;
            unit->FreeCount--;
        }
        else
        {
            int index = (int)(unit - RecordOf(0));
            block = (byte*)arena.AddressOf(index) + ((nint)unit->CarvedCount++ << log2);
        }

        if (!HasRoom(unit, log2)) Unlist(ref first, unit);
        return block;
    }

    private void PutIntoUnit_NeedsLock(byte* block, int log2)
    {
        ref nint first = ref _units[log2 - SmallestReturnedLog2];
        int index = UnitOf(block);
        SlabUnit* unit = RecordOf(index);
        Debug.Assert(unit->State == SlabUnitState.None, "The unit is for bookkeeping.");
        if (!HasRoom(unit, log2)) List(ref first, unit);
        *(byte**)block = unit->FreeHead;
        unit->FreeHead = block;
        unit->FreeCount++;
        Debug.Assert(unit->FreeCount <= unit->CarvedCount, "Only what was handed out comes back.");
        bool isOnly = first == (nint)unit && unit->Next == null;
        if (unit->FreeCount < unit->CarvedCount || isOnly) return;
        Unlist(ref first, unit);
        *unit = default;
        arena.Free(index, 1);
    }

    private static bool HasRoom(SlabUnit* unit, int log2) =>
        unit->FreeCount > 0 || unit->CarvedCount < 1 << (PageArena.UnitShift - log2);

    private static void List(ref nint first, SlabUnit* unit)
    {
        var next = (SlabUnit*)first;
        unit->Next = next;
        unit->Previous = null;
        if (next != null) next->Previous = unit;
        first = (nint)unit;
    }

    private static void Unlist(ref nint first, SlabUnit* unit)
    {
        if (unit->Previous != null) unit->Previous->Next = unit->Next;
        else first = (nint)unit->Next;
        if (unit->Next != null) unit->Next->Previous = unit->Previous;
        unit->Next = unit->Previous = null;
    }

    private SlabUnit* RecordOf(int unit) => (SlabUnit*)arena.SideTable + unit;

    private int UnitOf(byte* block) => (int)(((nint)block - arena.Base) >> PageArena.UnitShift);

    private static int Log2Of(nuint bytes)
    {
        Debug.Assert(bytes > 0, "Something is asked for.");
        return Math.Max(SmallestLog2, BitOperations.Log2(BitOperations.RoundUpToPowerOf2(bytes)));
    }
}
