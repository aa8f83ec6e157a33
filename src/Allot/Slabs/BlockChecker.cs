// What BlockChecks do. One dictionary under one lock has what is known of each block: this is for a search, not for
// speed. The fast paths are closed by heaps that know no committed bytes.
//
// A block as it is handed out: [asked bytes, filled with Fresh][guard, to the end of the block]. Freed: [mark][Poison];
// one with units of its own has no mark. Objects with a constructor are left as they are, but for the guard.
//
// Two threads that free a block at the same time: the mark does not tell them apart, the record of the block does.

using System.Diagnostics;

namespace Allot;

internal sealed unsafe class BlockChecker
{
    /// <summary>The least that is added to a block.</summary>
    public const int GuardBytes = 16;

    /// <summary>The class of blocks with units of their own.</summary>
    public const uint NoClass = uint.MaxValue;

    private const int KeptBlocks = 256;

    /// <summary>The places of so many blocks are known after they were let go; the mark of a block tells a second free
    /// of any other.</summary>
    public const int RememberedBlocks = 4096;

    private const long KeptBytes = 1 << 20, KeptLargeBytes = 64 << 20;
    private const byte Fresh = 0xCD, Guard = 0xFB, Poison = 0xDD;

    private readonly Lock _lock = new();
    private readonly Dictionary<nint, Record> _records = [];

    // Under the lock. Let go: the oldest first. What is handed out again has another record.
    private readonly Queue<(nint Block, Record Record)> _remembered = new();

    // Freed, and not yet for anybody else: the oldest first. Under the lock.
    private readonly KeptQueue _kept = new(KeptBytes), _keptLarge = new(KeptLargeBytes);

    /// <summary>Blocks that something is known of.</summary>
    public int Count
    {
        get
        {
            lock (_lock) return _records.Count;
        }
    }

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

    /// <summary>Keeps a free block back.</summary>
    /// <param name="block">The block, with its mark if it has a class.</param>
    /// <param name="index">Its class, or <see cref="NoClass"/>.</param>
    public void Keep(byte* block, uint index)
    {
        lock (_lock)
        {
            Record record = _records[(nint)block];
            int markBytes = MarkBytes(index);
            if (!record.IsConstructed) Fill(block + markBytes, record.BlockBytes - markBytes, Poison);
            QueueOf(index).Add(new Kept((nint)block, index, record.BlockBytes));
        }
    }

    /// <summary>A block that was kept back for long enough.</summary>
    /// <param name="all">True: for any time.</param>
    /// <param name="oldest">The block.</param>
    /// <param name="isWritten">Whether it was written to meanwhile.</param>
    public bool TryLetGo(bool all, out Kept oldest, out bool isWritten)
    {
        isWritten = false;
        lock (_lock)
        {
            if (!_kept.TryTake(all, out oldest) && !_keptLarge.TryTake(all, out oldest)) return false;
            var block = (byte*)oldest.Block;
            Record record = _records[oldest.Block];
            int markBytes = MarkBytes(oldest.Index);
            isWritten = (markBytes > 0 && !FreeBlock.IsFree(block))
                || (!record.IsConstructed && !Is(block + markBytes, record.BlockBytes - markBytes, Poison));
            _remembered.Enqueue((oldest.Block, record));
            if (_remembered.Count > RememberedBlocks) ForgetOldest_NeedsLock();
            return true;
        }
    }

    private void ForgetOldest_NeedsLock()
    {
        (nint block, Record record) = _remembered.Dequeue();
        if (_records.GetValueOrDefault(block) == record) _records.Remove(block);
    }

    /// <summary>Blocks of a class that are kept back.</summary>
    public int CountKept(uint index)
    {
        lock (_lock) return QueueOf(index).Count(index);
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

    private KeptQueue QueueOf(uint index) => index == NoClass ? _keptLarge : _kept;

    private static int MarkBytes(uint index) => index == NoClass ? 0 : sizeof(nuint);

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

    /// <summary>A block that is kept back.</summary>
    public readonly record struct Kept(nint Block, uint Index, long Bytes);

    private sealed class KeptQueue(long bytesMost)
    {
        private readonly Queue<Kept> _blocks = new();
        private long _bytes;

        public void Add(Kept block)
        {
            _blocks.Enqueue(block);
            _bytes += block.Bytes;
        }

        // The oldest, if there are too many, or all are wanted.
        public bool TryTake(bool all, out Kept oldest)
        {
            oldest = default;
            bool areTooMany = _blocks.Count > KeptBlocks || _bytes > bytesMost;
            if (_blocks.Count == 0 || !(all || areTooMany)) return false;
            oldest = _blocks.Dequeue();
            _bytes -= oldest.Bytes;
            return true;
        }

        public int Count(uint index) => _blocks.Count(one => one.Index == index);
    }

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
