using System.Buffers;
using System.Runtime.InteropServices;
using Allot.Benchmarks.Runner;

namespace Allot.Benchmarks.Slabs;

/// <summary>What a buffer costs that a group pays for, from the pool that libraries take, next to pools and memory that
/// nobody pays for.</summary>
internal sealed class BuffersBenchmark : Benchmark
{
    private const int RoundCount = 41, BatchBuffers = 64;
    private const long LimitBytes = 1L << 40;

    private static readonly int[] s_sizes = [256, 4096, 65536];

    public override string Name => "buffers";

    public override string Title => "Buffers that are charged to a group";

    public override string Method => """
        Nanoseconds to rent a buffer and to dispose it. Allot's are of `GroupMemoryPool`, of a group at depth 3 with a limit
        on every level that is never reached: an owner that may be disposed twice and finds its leaks, over native memory.
        `MemoryPool<byte>.Shared` has owners over arrays, `ArrayPool<byte>.Shared` arrays without owners, `NativeMemory`
        pointers. *Batch* rents 64 and then disposes them in the same order.
        """;

    public override string WarmUp => InProcess.Method;

    public override IReadOnlyList<string> Tools => [];

    public override bool NeedsRoot => false;

    public override void Measure(Workbench bench, ResultPage page)
    {
        Way[] ways =
        [
            Owners("Allot, pool of a group", new GroupMemoryPool(Leaf())), Owners("MemoryPool.Shared", MemoryPool<byte>.Shared),
            Arrays(), Native(),
        ];
        (string Heading, int Granule, Func<Way, int, Action<int, int>> Of)[] kinds =
        [
            ("Rent and dispose", 1, static (way, bytes) => (_, count) => way.Pairs(count, bytes)),
            ("Batch of 64", BatchBuffers, static (way, bytes) => (_, count) => way.Batches(count, bytes)),
        ];
        foreach ((string heading, int granule, Func<Way, int, Action<int, int>> of) in kinds)
        {
            Work[] works = [.. from way in ways from bytes in s_sizes select
                new Work($"{way.Name}, {heading}, {bytes}", 1, of(way, bytes)) { Granule = granule, MayAllocate = true }];
            IReadOnlyList<Series> all = bench.InProcess.Compare(RoundCount, works);
            page.AddTable(heading,
                ["ns", .. s_sizes.Select(static bytes => $"{bytes}"), "4096 to MemoryPool.Shared"],
                ways.Select((way, i) => (IReadOnlyList<string>)
                [
                    way.Name,
                    .. s_sizes.Select((_, j) => Cell.FewNanoseconds(At(i, j).Median(InProcess.Number))),
                    $"{At(i, 1).RatioTo(At(1, 1), InProcess.Number)}",
                ]));

            Series At(int way, int size) => all[(way * s_sizes.Length) + size];
        }
    }

    private static MemoryGroup Leaf()
    {
        var limits = new MemoryGroupOptions { MaxBytes = LimitBytes };
        return new MemoryController(limits).Root.CreateChild("a", limits).CreateChild("b", limits);
    }

    private static Way Owners(string name, MemoryPool<byte> pool)
    {
        var batch = new IMemoryOwner<byte>[BatchBuffers];
        return new Way(name,
            (count, bytes) =>
            {
                for (int i = 0; i < count; i++) pool.Rent(bytes).Dispose();
            },
            (count, bytes) =>
            {
                for (int done = 0; done < count; done += batch.Length)
                {
                    for (int i = 0; i < batch.Length; i++) batch[i] = pool.Rent(bytes);
                    foreach (IMemoryOwner<byte> one in batch) one.Dispose();
                }
            });
    }

    private static Way Arrays()
    {
        var batch = new byte[BatchBuffers][];
        return new Way("ArrayPool.Shared",
            (count, bytes) =>
            {
                for (int i = 0; i < count; i++) ArrayPool<byte>.Shared.Return(ArrayPool<byte>.Shared.Rent(bytes));
            },
            (count, bytes) =>
            {
                for (int done = 0; done < count; done += batch.Length)
                {
                    for (int i = 0; i < batch.Length; i++) batch[i] = ArrayPool<byte>.Shared.Rent(bytes);
                    foreach (byte[] one in batch) ArrayPool<byte>.Shared.Return(one);
                }
            });
    }

    private static unsafe Way Native()
    {
        var batch = new nint[BatchBuffers];
        return new Way("NativeMemory",
            static (count, bytes) =>
            {
                for (int i = 0; i < count; i++) NativeMemory.Free(NativeMemory.Alloc((nuint)bytes));
            },
            (count, bytes) =>
            {
                for (int done = 0; done < count; done += batch.Length)
                {
                    for (int i = 0; i < batch.Length; i++) batch[i] = (nint)NativeMemory.Alloc((nuint)bytes);
                    foreach (nint one in batch) NativeMemory.Free((void*)one);
                }
            });
    }

    private sealed record Way(string Name, Action<int, int> Pairs, Action<int, int> Batches);
}
