// Memory for the allocator's own bookkeeping: heaps of threads, bins, owners of mixed units. It is charged to nobody,
// and taken from units of its own, so that an allocation never needs an allocation of the kind it is in the middle of.

using System.Diagnostics;
using System.Numerics;

namespace Allot;

internal sealed unsafe class MetadataBlocks(PageArena arena)
{
    private const int SmallestLog2 = 6;

    private readonly SteadyLock _lock = new();

    // Free blocks of 2^(6 + i) bytes, linked by their first word.
    private readonly nint[] _free = new nint[PageArena.UnitShift - SmallestLog2 + 1];
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
        if (log2 > PageArena.UnitShift)
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
        if (log2 > PageArena.UnitShift)
        {
            arena.Free((int)(((nint)block - arena.Base) >> PageArena.UnitShift), 1 << (log2 - PageArena.UnitShift));
            return;
        }

        using (_lock.EnterScope()) Put_NeedsLock(block, log2);
    }

    private byte* TryTake_NeedsLock(int log2)
    {
        Debug.Assert(_lock.IsHeldByCurrentThread, "Lists are changed under the lock.");
        nint block = _free[log2 - SmallestLog2];
        if (block != 0)
        {
            _free[log2 - SmallestLog2] = *(nint*)block;
            return (byte*)block;
        }

        if (log2 == PageArena.UnitShift)
        {
            int unit = arena.TryAllocate(1);
            return unit < 0 ? null : (byte*)arena.AddressOf(unit);
        }

        byte* pair = TryTake_NeedsLock(log2 + 1);
        if (pair == null) return null;
        Put_NeedsLock(pair + (1 << log2), log2);
        return pair;
    }

    private void Put_NeedsLock(byte* block, int log2)
    {
        *(nint*)block = _free[log2 - SmallestLog2];
        _free[log2 - SmallestLog2] = (nint)block;
    }

    private static int Log2Of(nuint bytes)
    {
        Debug.Assert(bytes > 0, "Something is asked for.");
        return Math.Max(SmallestLog2, BitOperations.Log2(BitOperations.RoundUpToPowerOf2(bytes)));
    }
}
