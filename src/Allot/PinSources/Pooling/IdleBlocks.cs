// Free blocks, in two places. Near: a block of each size for each of a few threads, taken and left by one atomic
// exchange, so that any thread can also take them away. Shared: stacks under a lock, up to a number of bytes.

using System.Numerics;

namespace Allot;

internal sealed class IdleBlocks(long bytesMax)
{
    private const int Stride = 16;   // sizes and room, so that threads share no cache line

    private static readonly int s_threads = (int)BitOperations.RoundUpToPowerOf2((uint)Environment.ProcessorCount * 2);

    private readonly PooledBlock?[] _near = new PooledBlock?[(s_threads + 1) * Stride];
    private readonly SteadyLock _gate = new();
    private readonly Stack<PooledBlock>[] _shared =
        [.. Enumerable.Range(0, PinnedBufferPool.Sizes).Select(_ => new Stack<PooledBlock>())];

    // Under the gate: the bytes in _shared, which takes none any more once it is closed.
    private long _sharedBytes;
    private bool _isClosed;

    /// <summary>The bytes that are free now.</summary>
    public long Bytes
    {
        get
        {
            long bytes = 0;
            foreach (ref PooledBlock? near in _near.AsSpan()) bytes += Volatile.Read(ref near)?.Array.Length ?? 0;
            using (_gate.EnterScope()) return bytes + _sharedBytes;
        }
    }

    public PooledBlock? TryTake(int sizeClass)
    {
        ref PooledBlock? near = ref Near(sizeClass);
        return near is null ? TryTakeShared(sizeClass)
            : Interlocked.Exchange(ref near, null) ?? TryTakeShared(sizeClass);
    }

    /// <summary>Keeps a block for the next one.</summary>
    /// <returns>False when there are enough, or the pool is closed: the caller frees it.</returns>
    public bool TryKeep(PooledBlock block)
    {
        ref PooledBlock? near = ref Near(block.SizeClass);
        bool isKept = near is null && Interlocked.CompareExchange(ref near, block, null) is null;
        if (!isKept) return TryKeepShared(block);

        // Pairs with Close, which says so first and empties the near blocks then: either it finds the block or we it.
        if (!Volatile.Read(ref _isClosed)) return true;
        return Interlocked.CompareExchange(ref near, null, block) != block;
    }

    /// <summary>Lets go of blocks, the shared first.</summary>
    /// <param name="targetBytes">How much is wanted, 1 or more.</param>
    /// <returns>The bytes that are charged no longer.</returns>
    public long Free(long targetBytes)
    {
        long freed = 0;
        foreach (PooledBlock block in Drain())
        {
            block.Dispose();
            freed += block.Array.Length;
            if (freed >= targetBytes) break;
        }

        return freed;
    }

    /// <summary>From here on nothing is kept, and what was is let go of.</summary>
    public void Close()
    {
        using (_gate.EnterScope()) _isClosed = true;
        Interlocked.MemoryBarrier();
        Free(long.MaxValue);
    }

    /// <summary>The same where nobody did it in time: tells of all that is free, as one leak.</summary>
    public void CloseForgotten()
    {
        PooledBlock[] forgotten = [.. Drain()];
        if (forgotten is [PooledBlock first, ..]) first.ReportLeak(forgotten.Sum(block => (long)block.Array.Length));
        foreach (PooledBlock block in forgotten) block.Dispose();
        Close();
    }

    private ref PooledBlock? Near(int sizeClass) =>
        ref _near[(((Environment.CurrentManagedThreadId & (s_threads - 1)) + 1) * Stride) + sizeClass];

    // Takes blocks out, the shared first.
    private IEnumerable<PooledBlock> Drain()
    {
        for (int sizeClass = PinnedBufferPool.Sizes - 1; sizeClass >= 0; sizeClass--)
        {
            while (TryTakeShared(sizeClass) is { } block) yield return block;
        }

        for (int i = 0; i < _near.Length; i++)
        {
            if (Interlocked.Exchange(ref _near[i], null) is { } block) yield return block;
        }
    }

    private PooledBlock? TryTakeShared(int sizeClass)
    {
        using (_gate.EnterScope())
        {
            if (!_shared[sizeClass].TryPop(out PooledBlock? block)) return null;
            _sharedBytes -= block.Array.Length;
            return block;
        }
    }

    private bool TryKeepShared(PooledBlock block)
    {
        using (_gate.EnterScope())
        {
            if (_isClosed || block.Array.Length > bytesMax - _sharedBytes) return false;
            _sharedBytes += block.Array.Length;
            _shared[block.SizeClass].Push(block);
            return true;
        }
    }
}
