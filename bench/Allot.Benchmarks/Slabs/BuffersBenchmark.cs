using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Allot.Benchmarks.Runner;

namespace Allot.Benchmarks.Slabs;

/// <summary>What buffers, writers and streams cost that a group pays for, next to those that nobody pays for.</summary>
internal sealed class BuffersBenchmark : Benchmark
{
    private const int RoundCount = 41, BatchBuffers = 64, WriteBytes = 64;
    private const long LimitBytes = 1L << 40;

    private static readonly int[] s_sizes = [256, 4096, 65536];

    public override string Name => "buffers";

    public override string Title => "Buffers that are charged to a group";

    public override string Method => """
        Nanoseconds to rent a buffer and to dispose it. Allot's are of `GroupMemoryPool`, of a group at depth 3 with a limit
        on every level that is never reached: an owner that may be disposed twice and finds its leaks, over native memory.
        `MemoryPool<byte>.Shared` has owners over arrays, `ArrayPool<byte>.Shared` arrays without owners, `NativeMemory`
        pointers. *Batch* rents 64 and then disposes them in the same order; *two threads* do so at the same time, each for
        itself.

        *Writer* and *stream* are made, written to in pieces of 64 bytes until they hold as much as the column says, and
        disposed: nanoseconds for all of that. `GroupBufferWriter` and `GroupMemoryStream` grow without copying, charge
        what they grow by, and return it; `ArrayBufferWriter` and `MemoryStream` leave what they held to the collector.
        """;

    public override string WarmUp => InProcess.Method;

    public override IReadOnlyList<string> Tools => [];

    public override bool NeedsRoot => false;

    public override void Measure(Workbench bench, ResultPage page)
    {
        MemoryGroup group = Leaf();
        var pool = new GroupMemoryPool(group);
        Way[] ways =
        [
            Owners("Allot, pool of a group", pool), Owners("MemoryPool.Shared", MemoryPool<byte>.Shared), Arrays(), Native(),
        ];
        Kind[] kinds =
        [
            new("Rent and dispose", 1, 1, static (use, count, bytes) => use.Pairs(count, bytes)),
            new("Batch of 64", 1, BatchBuffers, static (use, count, bytes) => use.Batches(count, bytes)),
            new("Rent and dispose, two threads", 2, 1, static (use, count, bytes) => use.Pairs(count, bytes)),
            new("Batch of 64, two threads", 2, BatchBuffers, static (use, count, bytes) => use.Batches(count, bytes)),
        ];
        foreach (Kind kind in kinds.Where(kind => kind.Threads <= bench.Threads.Count))
        {
            Add(bench, page, kind, ways, relativeTo: 1, "4096 to MemoryPool.Shared");
        }

        Kind fill = new("Writer", 1, 1, static (use, count, bytes) => use.Pairs(count, bytes));
        Add(bench, page, fill,
            [Fills("Allot, writer of a group", new GroupWriters(group)), Fills("ArrayBufferWriter", default(ArrayWriters))],
            relativeTo: 1, "4096 to ArrayBufferWriter");
        Add(bench, page, fill with { Heading = "Stream" },
            [Fills("Allot, stream of a group", new GroupStreams(group)), Fills("MemoryStream", default(ArrayStreams))],
            relativeTo: 1, "4096 to MemoryStream");
    }

    private static void Add(
        Workbench bench, ResultPage page, Kind kind, Way[] ways, int relativeTo, string relation)
    {
        Work[] works = [.. ways.SelectMany(way => s_sizes.Select(bytes => ToWork(kind, way, bytes)))];
        IReadOnlyList<Series> all = bench.InProcess.Compare(RoundCount, works);
        page.AddTable(kind.Heading,
            ["ns", .. s_sizes.Select(static bytes => $"{bytes}"), relation],
            ways.Select((way, i) => (IReadOnlyList<string>)
            [
                way.Name,
                .. s_sizes.Select((_, j) => Cell.FewNanoseconds(At(i, j).Median(InProcess.Number))),
                $"{At(i, 1).RatioTo(At(relativeTo, 1), InProcess.Number)}",
            ]));

        Series At(int way, int size) => all[(way * s_sizes.Length) + size];
    }

    private static Work ToWork(Kind kind, Way way, int bytes)
    {
        IUse[] uses = [.. Enumerable.Range(0, kind.Threads).Select(_ => way.Make())];
        return new Work($"{way.Name}, {kind.Heading}, {bytes}", kind.Threads,
            (thread, count) => kind.Run(uses[thread], count, bytes))
        {
            Granule = kind.Granule,
            MayAllocate = true,
        };
    }

    private static MemoryGroup Leaf()
    {
        var limits = new MemoryGroupOptions { MaxBytes = LimitBytes };
        return new MemoryController(limits).Root.CreateChild("a", limits).CreateChild("b", limits);
    }

    private static Way Owners(string name, MemoryPool<byte> pool) => new(name, () => new OwnersUse(pool));

    private static Way Arrays() => new("ArrayPool.Shared", static () => new ArraysUse());

    private static Way Native() => new("NativeMemory", static () => new NativeUse());

    private static Way Fills<TFill>(string name, TFill fill)
        where TFill : IFill =>
        new(name, () => new FillUse<TFill>(fill));

    /// <summary>What is done with buffers; one object for each thread.</summary>
    private interface IUse
    {
        void Pairs(int count, int bytes);

        void Batches(int count, int bytes);
    }

    /// <summary>Something that is made, filled in pieces and disposed.</summary>
    private interface IFill
    {
        void Fill(int bytes, ReadOnlySpan<byte> piece);
    }

    private sealed record Way(string Name, Func<IUse> Make);

    private sealed record Kind(string Heading, int Threads, int Granule, Action<IUse, int, int> Run);

    private sealed class OwnersUse(MemoryPool<byte> pool) : IUse
    {
        private readonly IMemoryOwner<byte>[] _batch = new IMemoryOwner<byte>[BatchBuffers];

        [MethodImpl(MethodImplOptions.NoInlining)]
        public void Pairs(int count, int bytes)
        {
            for (int i = 0; i < count; i++) pool.Rent(bytes).Dispose();
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        public void Batches(int count, int bytes)
        {
            IMemoryOwner<byte>[] batch = _batch;
            for (int done = 0; done < count; done += batch.Length)
            {
                for (int i = 0; i < batch.Length; i++) batch[i] = pool.Rent(bytes);
                foreach (IMemoryOwner<byte> one in batch) one.Dispose();
            }
        }
    }

    private sealed class ArraysUse : IUse
    {
        private readonly byte[][] _batch = new byte[BatchBuffers][];

        [MethodImpl(MethodImplOptions.NoInlining)]
        public void Pairs(int count, int bytes)
        {
            for (int i = 0; i < count; i++) ArrayPool<byte>.Shared.Return(ArrayPool<byte>.Shared.Rent(bytes));
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        public void Batches(int count, int bytes)
        {
            byte[][] batch = _batch;
            for (int done = 0; done < count; done += batch.Length)
            {
                for (int i = 0; i < batch.Length; i++) batch[i] = ArrayPool<byte>.Shared.Rent(bytes);
                foreach (byte[] one in batch) ArrayPool<byte>.Shared.Return(one);
            }
        }
    }

    private sealed unsafe class NativeUse : IUse
    {
        private readonly nint[] _batch = new nint[BatchBuffers];

        [MethodImpl(MethodImplOptions.NoInlining)]
        public void Pairs(int count, int bytes)
        {
            for (int i = 0; i < count; i++) NativeMemory.Free(NativeMemory.Alloc((nuint)bytes));
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        public void Batches(int count, int bytes)
        {
            nint[] batch = _batch;
            for (int done = 0; done < count; done += batch.Length)
            {
                for (int i = 0; i < batch.Length; i++) batch[i] = (nint)NativeMemory.Alloc((nuint)bytes);
                foreach (nint one in batch) NativeMemory.Free((void*)one);
            }
        }
    }

    private sealed class FillUse<TFill>(TFill fill) : IUse
        where TFill : IFill
    {
        private readonly byte[] _piece = new byte[WriteBytes];

        [MethodImpl(MethodImplOptions.NoInlining)]
        public void Pairs(int count, int bytes)
        {
            for (int i = 0; i < count; i++) fill.Fill(bytes, _piece);
        }

        public void Batches(int count, int bytes) => Pairs(count, bytes);
    }

    private readonly struct GroupWriters(MemoryGroup group) : IFill
    {
        public void Fill(int bytes, ReadOnlySpan<byte> piece)
        {
            using var writer = new GroupBufferWriter(group);
            for (int done = 0; done < bytes; done += piece.Length)
            {
                piece.CopyTo(writer.GetSpan(piece.Length));
                writer.Advance(piece.Length);
            }
        }
    }

    private readonly struct ArrayWriters : IFill
    {
        public void Fill(int bytes, ReadOnlySpan<byte> piece)
        {
            var writer = new ArrayBufferWriter<byte>();
            for (int done = 0; done < bytes; done += piece.Length)
            {
                piece.CopyTo(writer.GetSpan(piece.Length));
                writer.Advance(piece.Length);
            }
        }
    }

    private readonly struct GroupStreams(MemoryGroup group) : IFill
    {
        public void Fill(int bytes, ReadOnlySpan<byte> piece)
        {
            using var stream = new GroupMemoryStream(group);
            for (int done = 0; done < bytes; done += piece.Length) stream.Write(piece);
        }
    }

    private readonly struct ArrayStreams : IFill
    {
        public void Fill(int bytes, ReadOnlySpan<byte> piece)
        {
            using var stream = new MemoryStream();
            for (int done = 0; done < bytes; done += piece.Length) stream.Write(piece);
        }
    }
}
