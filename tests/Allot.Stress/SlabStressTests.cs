using System.Collections.Concurrent;
using Allot.Testing;

namespace Allot.Stress;

/// <summary>Real threads on one allocator: they allocate for groups that come and go, pass blocks to each other, end,
/// and trim. The tree reads zero afterwards, and nothing is left.</summary>
public sealed unsafe class SlabStressTests
{
    private const int Threads = 4, Generations = 5, Steps = 20_000, Groups = 6;

    [Fact]
    public void Blocks_of_groups_that_come_and_go_balance()
    {
        using var slabs = new SlabAllocator(SystemPages.Instance, 1L << 32)
        {
            OnCorruption = static what => throw new InvalidOperationException(what),
        };
        MemoryGroup root = new MemoryController().Root;
        var groups = new MemoryGroup[Groups];
        for (int i = 0; i < Groups; i++) groups[i] = root.CreateChild($"g{i}");
        ConcurrentQueue<nint> passed = new();
        ConcurrentQueue<Exception> failures = new();
        int names = 0;
        for (int generation = 0; generation < Generations; generation++)
        {
            Thread[] threads = new Thread[Threads];
            for (int t = 0; t < Threads; t++)
            {
                ulong seed = (ulong)((generation * Threads) + t + 1);
                threads[t] = new Thread(() => Guard(() => Work(seed)));
                threads[t].Start();
            }

            foreach (Thread thread in threads) thread.Join();
        }

        Assert.Empty(failures);
        while (passed.TryDequeue(out nint block)) Free(slabs, block);
        Assert.Equal(0, root.Memory.CurrentBytes);
        slabs.Trim(all: true);
        slabs.Arena.Validate();
        for (uint i = 0; i < SizeClasses.Count; i++) Assert.Equal(0, slabs.ClassOf(i).ReadCounts().Carved);
        Assert.Equal(0, root.ReadEvents().AccountingErrors);

        void Guard(Action work)
        {
            try
            {
                work();
            }
            catch (Exception failure)
            {
                failures.Enqueue(failure);
            }
        }

        void Work(ulong seed)
        {
            var random = new Prng(seed);
            List<nint> own = [];
            for (int step = 0; step < Steps && failures.IsEmpty; step++)
            {
                int choice = random.Below(1000);
                if (choice < 3)
                {
                    int index = random.Below(Groups);
                    MemoryGroup added = root.CreateChild($"n{Interlocked.Increment(ref names)}");
                    MemoryGroup removed = Interlocked.Exchange(ref groups[index], added);
                    removed.Remove();
                }
                else if (choice < 6)
                {
                    slabs.Trim(all: random.OneIn(2));
                }
                else if (choice < 520)
                {
                    int bytes = random.OneIn(20) ? SizeClasses.LargestBytes + 1 + random.Below(300_000)
                        : random.OneIn(100) ? random.Below(300_000) : random.Below(700);
                    var allocator = new GroupAllocator(
                        slabs.HeapOfThread(), Volatile.Read(ref groups[random.Below(Groups)]), MemoryKind.User);
                    byte* block = allocator.TryAllocate((nuint)bytes, out ChargeRefusal refusal);
                    if (block == null)
                    {
                        if (refusal.Reason != RefusalReason.GroupRemoved) throw new InvalidOperationException($"{refusal}");
                        continue;
                    }

                    new Span<byte>(block, Math.Min(bytes, 64)).Fill((byte)bytes);
                    if (random.OneIn(2)) own.Add((nint)block);
                    else passed.Enqueue((nint)block);
                }
                else if (choice < 760)
                {
                    if (passed.TryDequeue(out nint block)) Free(slabs, block);
                }
                else if (own.Count > 0)
                {
                    int index = random.Below(own.Count);
                    Free(slabs, own[index]);
                    own[index] = own[^1];
                    own.RemoveAt(own.Count - 1);
                }
            }

            foreach (nint block in own) passed.Enqueue(block);
        }
    }

    private static void Free(SlabAllocator slabs, nint block)
    {
        ThreadHeap* heap = slabs.HeapOfThread();
        if (!SlabPath.TryGive(heap, (byte*)block)) slabs.FreeSlow(heap, (byte*)block);
    }
}
