// What BlockChecks do. One dictionary under one lock has what is known of each block: this is for a search, not for
// speed. The fast paths are closed by heaps that know no committed bytes.
//
// A block as it is handed out: [asked bytes, filled with Fresh][guard, to the end of the block]. Freed: [mark][Poison].
// Objects with a constructor are left as they are, but for the guard.

using System.Diagnostics;

namespace Allot;

internal sealed unsafe class BlockChecker
{
    /// <summary>The least that is added to a block.</summary>
    public const int GuardBytes = 16;

    private const int KeptBlocks = 256;
    private const long KeptBytes = 1 << 20;
    private const byte Fresh = 0xCD, Guard = 0xFB, Poison = 0xDD;

    private readonly Lock _lock = new();
    private readonly Dictionary<nint, Record> _records = [];

    // Freed, and not yet for anybody else: the oldest first. Under the lock.
    private readonly Queue<Kept> _kept = new();
    private long _keptBytes;

    /// <summary>A block is about to be handed out.</summary>
    /// <param name="block">The block.</param>
    /// <param name="blockBytes">All of it.</param>
    /// <param name="askedBytes">What may be used of it.</param>
    /// <param name="isConstructed">Whether its content is that of an object.</param>
    public void NoteAllocated(byte* block, long blockBytes, long askedBytes, bool isConstructed)
    {
        Debug.Assert(askedBytes + GuardBytes <= blockBytes, "A guard follows what may be used.");
        if (!isConstructed) Fill(block, askedBytes, Fresh);
        Fill(block + askedBytes, blockBytes - askedBytes, Guard);
        var record = new Record(askedBytes, blockBytes, isConstructed, Here()) { IsLive = true };
        lock (_lock) _records[(nint)block] = record;
    }

    /// <summary>What may be used of a block.</summary>
    public long AskedBytes(byte* block)
    {
        lock (_lock) return _records.TryGetValue((nint)block, out Record? record) ? record.AskedBytes : 0;
    }

    /// <summary>A block in use is about to be freed.</summary>
    /// <returns>What is wrong with it; null for nothing.</returns>
    public string? NoteFreed(byte* block)
    {
        lock (_lock)
        {
            if (!_records.TryGetValue((nint)block, out Record? record)) return "is not known";
            if (!record.IsLive) return "is freed a second time";
            bool isWhole = Is(block + record.AskedBytes, record.BlockBytes - record.AskedBytes, Guard);
            record.IsLive = false;
            record.Freed = Here();
            return isWhole ? null : $"was written to behind its end of {record.AskedBytes} bytes";
        }
    }

    /// <summary>Keeps a block back that is marked as free.</summary>
    /// <param name="block">The block.</param>
    /// <param name="index">Its class.</param>
    public void Keep(byte* block, uint index)
    {
        lock (_lock)
        {
            Record record = _records[(nint)block];
            if (!record.IsConstructed) Fill(block + sizeof(nuint), record.BlockBytes - sizeof(nuint), Poison);
            _kept.Enqueue(new Kept((nint)block, index, record.BlockBytes));
            _keptBytes += record.BlockBytes;
        }
    }

    /// <summary>A block that was kept back for long enough.</summary>
    /// <param name="all">True: for any time.</param>
    /// <param name="block">The block.</param>
    /// <param name="index">Its class.</param>
    /// <param name="isWritten">Whether it was written to meanwhile.</param>
    public bool TryLetGo(bool all, out byte* block, out uint index, out bool isWritten)
    {
        block = null;
        index = 0;
        isWritten = false;
        lock (_lock)
        {
            if (_kept.Count == 0 || (!all && _kept.Count <= KeptBlocks && _keptBytes <= KeptBytes)) return false;
            Kept oldest = _kept.Dequeue();
            _keptBytes -= oldest.Bytes;
            block = (byte*)oldest.Block;
            index = oldest.Index;
            Record record = _records[oldest.Block];
            isWritten = !FreeBlock.IsFree(block)
                || (!record.IsConstructed && !Is(block + sizeof(nuint), record.BlockBytes - sizeof(nuint), Poison));
            return true;
        }
    }

    /// <summary>Blocks of a class that are kept back.</summary>
    public int CountKept(uint index)
    {
        lock (_lock) return _kept.Count(one => one.Index == index);
    }

    /// <summary>The places of a block, for a message; empty where it is not known.</summary>
    public string Describe(byte* block)
    {
        lock (_lock)
        {
            if (!_records.TryGetValue((nint)block, out Record? record)) return "";
            string freed = record.Freed is null ? "" : $"\nFreed here:\n{record.Freed}";
            return $"\nAllocated here:\n{record.Allocated}{freed}";
        }
    }

    private static StackTrace Here() => new(skipFrames: 2, fNeedFileInfo: true);

    // A block can be larger than a span of the runtime.
    private static void Fill(byte* start, long bytes, byte pattern)
    {
        for (long at = 0; at < bytes; at += int.MaxValue)
        {
            new Span<byte>(start + at, (int)Math.Min(bytes - at, int.MaxValue)).Fill(pattern);
        }
    }

    private static bool Is(byte* start, long bytes, byte pattern)
    {
        bool isSame = true;
        for (long at = 0; at < bytes && isSame; at += int.MaxValue)
        {
            var part = new ReadOnlySpan<byte>(start + at, (int)Math.Min(bytes - at, int.MaxValue));
            isSame = part.IndexOfAnyExcept(pattern) < 0;
        }

        return isSame;
    }

    private readonly record struct Kept(nint Block, uint Index, long Bytes);

    private sealed class Record(long askedBytes, long blockBytes, bool isConstructed, StackTrace allocated)
    {
        public long AskedBytes => askedBytes;

        public long BlockBytes => blockBytes;

        public bool IsConstructed => isConstructed;

        public StackTrace Allocated => allocated;

        public StackTrace? Freed { get; set; }

        public bool IsLive { get; set; }
    }
}
