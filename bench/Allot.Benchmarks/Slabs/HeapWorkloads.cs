// Four workloads that allocators have been compared with for long, in our own words. Each is an amount of work, done by
// a number of threads; what is measured is the time of all of it.

using System.Collections.Concurrent;

namespace Allot.Benchmarks.Slabs;

/// <summary>What programs do with blocks, on several threads.</summary>
internal abstract class HeapWorkloads
{
    public const int Threads = 2;

    /// <summary>A server (P. Larson and M. Krishnan, Memory allocation for long-running server applications, 1998): a
    /// thread replaces random ones of the blocks that it has from the thread before it, and hands them on when it
    /// ends.</summary>
    public abstract void Larson(int generations, int replacements);

    /// <summary>Passive false sharing (E. Berger and others, Hoard, 2000): each thread frees a small block that it was
    /// given, then allocates one, writes to it again and again, and frees it.</summary>
    public abstract void Scratch(int rounds, int writes);

    /// <summary>Blocks are allocated by one half of the threads and freed by the other, in batches (C. Lever and D.
    /// Boreham, malloc() Performance in a Multithreaded Linux Environment, 2000).</summary>
    public abstract void Xmalloc(int batches);

    /// <summary>One thread frees a random block and allocates another, most of them small (alloc-test of I. Deyneko and
    /// others).</summary>
    public abstract void AllocTest(int replacements);
}

/// <summary>The same for every heap.</summary>
internal sealed class HeapWorkloads<THeap, TBlock>(IHeapSource<THeap> source) : HeapWorkloads
    where THeap : IHeap<TBlock>, allows ref struct
{
    private const int SlotsEach = 1000, BatchBlocks = 64, BatchesAhead = 64, LiveBlocks = 16_384;

    public override void Larson(int generations, int replacements)
    {
        var slots = new TBlock[Threads][];
        for (int i = 0; i < Threads; i++) slots[i] = new TBlock[SlotsEach];
        OnThreads(thread =>
        {
            THeap heap = source.Open();
            for (int i = 0; i < SlotsEach; i++) slots[thread][i] = heap.Allocate(64);
        });
        for (int generation = 0; generation < generations; generation++)
        {
            int seed = generation + 1, shift = generation;
            OnThreads(thread =>
            {
                var random = new Random((seed * Threads) + thread);
                TBlock[] own = slots[(thread + shift) % Threads];   // of the other one, the last time
                THeap heap = source.Open();
                for (int i = 0; i < replacements; i++)
                {
                    int index = random.Next(SlotsEach), bytes = 10 + random.Next(490);
                    heap.Free(own[index]);
                    own[index] = heap.Allocate((nuint)bytes);
                    HeapLoop.Write(own[index], 1);
                }
            });
        }

        THeap last = source.Open();
        foreach (TBlock block in slots.SelectMany(static own => own)) last.Free(block);
    }

    public override void Scratch(int rounds, int writes)
    {
        var given = new TBlock[Threads];
        THeap own = source.Open();
        for (int i = 0; i < Threads; i++) given[i] = own.Allocate(8);
        OnThreads(thread =>
        {
            THeap heap = source.Open();
            heap.Free(given[thread]);
            for (int i = 0; i < rounds; i++)
            {
                TBlock block = heap.Allocate(8);
                for (int j = 0; j < writes; j++) HeapLoop.Write(block, 8);
                heap.Free(block);
            }
        });
    }

    public override void Xmalloc(int batches)
    {
        using var queue = new BlockingCollection<TBlock[]>(BatchesAhead);
        OnThreads(thread =>
        {
            THeap heap = source.Open();
            if (thread % 2 == 1)
            {
                for (int i = 0; i < batches; i++)
                {
                    foreach (TBlock block in queue.Take()) heap.Free(block);
                }

                return;
            }

            var random = new Random(thread + 1);
            for (int i = 0; i < batches; i++)
            {
                var batch = new TBlock[BatchBlocks];
                for (int j = 0; j < BatchBlocks; j++)
                {
                    batch[j] = heap.Allocate((nuint)(16 << random.Next(6)));
                    HeapLoop.Write(batch[j], 16);
                }

                queue.Add(batch);
            }
        });
    }

    public override void AllocTest(int replacements)
    {
        THeap heap = source.Open();
        var live = new TBlock[LiveBlocks];
        for (int i = 0; i < live.Length; i++) live[i] = heap.Allocate(16);
        var random = new Random(1);
        for (int i = 0; i < replacements; i++)
        {
            int index = random.Next(live.Length), most = 16 << random.Next(7);   // half of them below 128 bytes
            heap.Free(live[index]);
            live[index] = heap.Allocate((nuint)(1 + random.Next(most)));
            HeapLoop.Write(live[index], 1);
        }

        foreach (TBlock block in live) heap.Free(block);
    }

    private static void OnThreads(Action<int> work)
    {
        Exception? failure = null;
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(i => new Thread(() =>
        {
            try
            {
                work(i);
            }
            catch (Exception thrown)
            {
                failure = thrown;
            }
        }))];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        if (failure is not null) throw new InvalidOperationException("A thread of a workload has failed.", failure);
    }
}
