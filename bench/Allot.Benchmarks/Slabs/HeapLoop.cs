using System.Runtime.CompilerServices;

namespace Allot.Benchmarks.Slabs;

/// <summary>What is done with blocks. One object is used by one thread at a time, but for
/// <see cref="Produce"/> and <see cref="Consume"/>.</summary>
internal abstract class HeapLoop
{
    public const int BatchBlocks = 256, LargeBatchBlocks = 16, RingSlots = 4096;

    /// <summary>Blocks in a batch of a size: fewer of large ones.</summary>
    public static int BatchOf(int bytes) => bytes >= 1 << 16 ? LargeBatchBlocks : BatchBlocks;

    /// <summary>Allocates a block and frees it.</summary>
    public abstract void Pairs(int count, int bytes);

    /// <summary>Allocates a batch, then frees it in the same order.</summary>
    public abstract void Batches(int count, int bytes);

    /// <summary>Allocates a live set; sizes in turn.</summary>
    public abstract void Fill(int blocks, int[] sizes);

    /// <summary>Replaces blocks of the live set by random; sizes in turn.</summary>
    public abstract void Replace(int count, int[] sizes);

    /// <summary>Makes room for a live set, so that it is resident already.</summary>
    public abstract void Prepare(int blocks);

    /// <summary>Writes to every byte of the live set.</summary>
    public abstract void Touch(int[] sizes);

    /// <summary>Replaces blocks of the live set by random, and writes to every byte of the new ones.</summary>
    public abstract void ReplaceAndTouch(int count, int[] sizes);

    /// <summary>Frees the live set.</summary>
    public abstract void Empty();

    /// <summary>The workloads of the same heap.</summary>
    public abstract HeapWorkloads ToWorkloads();

    /// <summary>Passes blocks to the thread that consumes.</summary>
    public abstract void Produce(int count, int bytes);

    /// <summary>Frees what the other thread produces.</summary>
    public abstract void Consume(int count);

    /// <summary>Writes to the first bytes of a block.</summary>
    public static unsafe void Write<TBlock>(TBlock block, int bytes)
    {
        if (block is byte[] array) array.AsSpan(0, bytes).Fill(1);
        else new Span<byte>((void*)(nint)(object)block!, bytes).Fill(1);
    }
}

/// <summary>The same loops for every heap; the compiler makes them anew for each.</summary>
internal sealed class HeapLoop<THeap, TBlock>(IHeapSource<THeap> source) : HeapLoop
    where THeap : IHeap<TBlock>, allows ref struct
{
    private readonly TBlock[] _batch = new TBlock[BatchBlocks];
    private readonly TBlock[] _ring = new TBlock[RingSlots];
    private readonly Position _produced = new(), _consumed = new();
    private TBlock[] _live = [];
    private ulong _random = 88172645463325252;

    public override void Pairs(int count, int bytes) => Pairs(source.Open(), count, bytes);

    public override void Batches(int count, int bytes) => Batches(source.Open(), count, bytes);

    // Each loop has its heap as an argument, as if it had made it by itself: the call that opens the heap could be one of
    // any source, which writes to memory, and the compiler would leave it there.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Pairs(THeap heap, int count, int bytes)
    {
        for (int i = 0; i < count; i++) heap.Free(heap.Allocate((nuint)bytes));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Batches(THeap heap, int count, int bytes)
    {
        Span<TBlock> batch = _batch.AsSpan(0, BatchOf(bytes));
        for (int done = 0; done < count; done += batch.Length)
        {
            for (int i = 0; i < batch.Length; i++) batch[i] = heap.Allocate((nuint)bytes);
            for (int i = 0; i < batch.Length; i++) heap.Free(batch[i]);
        }
    }

    public override void Fill(int blocks, int[] sizes)
    {
        THeap heap = source.Open();
        if (_live.Length != blocks) _live = new TBlock[blocks];
        for (int i = 0; i < blocks; i++) _live[i] = heap.Allocate((nuint)sizes[i & (sizes.Length - 1)]);
    }

    public override void Replace(int count, int[] sizes) => Replace(source.Open(), count, sizes);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Replace(THeap heap, int count, int[] sizes)
    {
        TBlock[] live = _live;
        ulong random = _random;
        for (int i = 0; i < count; i++)
        {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            int index = (int)(((random >> 32) * (ulong)live.Length) >> 32);
            heap.Free(live[index]);
            live[index] = heap.Allocate((nuint)sizes[(int)random & (sizes.Length - 1)]);
        }

        _random = random;
    }

    public override void Prepare(int blocks)
    {
        _live = new TBlock[blocks];
        Array.Fill(_live, _batch[0]);
    }

    public override HeapWorkloads ToWorkloads() => new HeapWorkloads<THeap, TBlock>(source);

    public override void Touch(int[] sizes)
    {
        for (int i = 0; i < _live.Length; i++) Write(_live[i], sizes[i & (sizes.Length - 1)]);
    }

    public override void ReplaceAndTouch(int count, int[] sizes)
    {
        THeap heap = source.Open();
        var random = new Random(1);
        for (int i = 0; i < count; i++)
        {
            int index = random.Next(_live.Length), bytes = sizes[random.Next(sizes.Length)];
            heap.Free(_live[index]);
            _live[index] = heap.Allocate((nuint)bytes);
            Write(_live[index], bytes);
        }
    }

    public override void Empty()
    {
        THeap heap = source.Open();
        foreach (TBlock block in _live) heap.Free(block);
    }

    public override void Produce(int count, int bytes) => Produce(source.Open(), count, bytes);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Produce(THeap heap, int count, int bytes)
    {
        long next = _produced.Value;
        for (int i = 0; i < count; i++, next++)
        {
            while (next - Volatile.Read(ref _consumed.Value) >= RingSlots) Thread.SpinWait(1);
            _ring[(int)next & (RingSlots - 1)] = heap.Allocate((nuint)bytes);
            Volatile.Write(ref _produced.Value, next + 1);
        }
    }

    public override void Consume(int count) => Consume(source.Open(), count);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Consume(THeap heap, int count)
    {
        long next = _consumed.Value;
        for (int i = 0; i < count; i++, next++)
        {
            while (Volatile.Read(ref _produced.Value) <= next) Thread.SpinWait(1);
            heap.Free(_ring[(int)next & (RingSlots - 1)]);
            Volatile.Write(ref _consumed.Value, next + 1);
        }
    }

    // An object of its own, with room around it: the two threads share no cache line but on purpose.
    private sealed class Position
    {
        public long Value;
        private readonly byte[] _room = new byte[256];

        public override string ToString() => $"{Value} of {_room.Length}";
    }
}
