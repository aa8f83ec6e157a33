using System.Collections.Concurrent;
using Allot.Testing;

namespace Allot.Tests.Slabs;

/// <summary>The system refuses memory while several threads allocate, pass blocks to each other and free them, and while
/// groups are removed: at every request, whichever thread comes to it. Nothing stays charged and nothing is lost.
/// </summary>
public sealed unsafe class ThreadsFaultTests
{
    private const int Threads = 3, Steps = 400, RunsMost = 150;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Every_request_of_any_thread_may_fail(bool fromThereOn)
    {
        // Which request is the n-th differs from run to run, and so does how many there are.
        int everFailed = 0, most = Run(0, fromThereOn, out int failures);
        Assert.Equal(0, failures);
        for (int n = 1; n <= Math.Min(most, RunsMost); n++)
        {
            most = Math.Max(most, Run(n, fromThereOn, out failures));
            if (failures > 0) everFailed++;
        }

        Assert.True(everFailed > 0);
    }

    [Fact]
    public void A_thread_that_never_allocated_frees_although_the_system_has_no_memory()
    {
        using var slabs = new SlabFixture();
        using var other = new TurnThread();
        nint[] blocks = [slabs.Allocate(slabs.A, 64), slabs.Allocate(slabs.A, 64), slabs.Allocate(slabs.A, 1 << 20)];
        slabs.Pages.FailsAt = 1;
        slabs.Pages.FailsFromThereOn = true;
        List<nint> rest = [];
        foreach (int bytes in (int[])[8 << 20, 1 << 20, PageArena.UnitBytes * 5, 64])
        {
            try
            {
                while (true) rest.Add(slabs.Allocate(slabs.B, bytes));
            }
            catch (InsufficientMemoryException)
            {
                // Now there is not even that.
            }
        }

        other.Run(() =>
        {
            foreach (nint block in blocks) slabs.Free(block);
        });
        Assert.Equal(0, slabs.A.Memory.CurrentBytes);
        foreach (nint block in rest) slabs.Free(block);
        slabs.AssertNothingLeft();
    }

    [Fact]
    public void Every_thread_of_a_group_that_the_system_cannot_start_leaves_nothing()
    {
        const int Starts = 8, StackBytes = 256 << 10;
        MemoryGroup root = new MemoryController().Root, group = root.CreateChild("tenant");
        for (int failsAt = 1; failsAt <= Starts; failsAt++)
        {
            List<Thread> started = [];
            using var end = new ManualResetEventSlim();
            for (int start = 1; start <= Starts; start++)
            {
                var stack = new GroupStack(group, new() { StackBytes = StackBytes }, end.Wait);
                stack.Charge();
                try
                {
                    int now = start;
                    stack.StartThread(thread =>
                    {
                        if (now == failsAt) throw new InsufficientMemoryException("The system refuses a thread.");
                        thread.Start();
                    });
                    started.Add(stack.Thread);
                }
                catch (InsufficientMemoryException)
                {
                    Assert.Equal(failsAt, start);
                }

                Assert.Equal(started.Count, group.ReadThreadStat().Threads);
            }

            Assert.Equal(Starts - 1, started.Count);
            end.Set();
            foreach (Thread thread in started) thread.Join();
            Assert.Equal(0, root.Memory.CurrentBytes);
            Assert.Equal(0, root.Kernel.CurrentBytes);
            Assert.Equal(default, root.ReadThreadStat());
        }
    }

    private static int Run(int failsAt, bool fromThereOn, out int failures)
    {
        using var slabs = new SlabFixture();
        ObjectCache<Node> own = new(slabs.Slabs, "own", new() { HasPrivateSlabs = true }, null);
        ObjectCache<Node> made = new(slabs.Slabs, "made", null, static (ref Node node) => node.Number = 7);
        MemoryGroup[] groups = [slabs.A, slabs.B];
        ConcurrentQueue<Action> frees = new();
        ConcurrentQueue<Exception> unexpected = new();
        int refused = 0;
        slabs.Pages.Restart();
        slabs.Pages.FailsAt = failsAt;
        slabs.Pages.FailsFromThereOn = fromThereOn;
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(index => new Thread(() =>
        {
            try
            {
                Work(new Prng((ulong)(index + 1)), isRemover: index == 0);
            }
            catch (Exception failure)
            {
                unexpected.Enqueue(failure);
            }
        }))];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        Assert.Empty(unexpected);
        failures = refused;
        int requests = slabs.Pages.Requests;
        slabs.Pages.FailsAt = 0;
        while (frees.TryDequeue(out Action? free)) free();
        own.Remove();
        made.Remove();
        slabs.AssertNothingLeft();
        Assert.Equal(0, slabs.Root.Kernel.CurrentBytes);
        Assert.Equal(0, slabs.Root.ReadEvents().AccountingErrors);
        return requests;

        void Work(Prng random, bool isRemover)
        {
            for (int step = 0; step < Steps; step++)
            {
                if (isRemover && step % 100 == 50)
                {
                    MemoryGroup added = slabs.Root.CreateChild($"n{step}");
                    Interlocked.Exchange(ref groups[step / 100 % 2], added).Remove();
                }

                try
                {
                    if (random.OneIn(3) && frees.TryDequeue(out Action? free)) Free(free);
                    else Allocate(random, Volatile.Read(ref groups[random.Below(2)]));
                }
                catch (InsufficientMemoryException)
                {
                    Interlocked.Increment(ref refused);
                }
                catch (MemoryLimitExceededException)
                {
                    // The group was removed since it was found.
                }
            }
        }

        void Free(Action free)
        {
            bool isFree = false;
            try
            {
                free();
                isFree = true;
            }
            finally
            {
                if (!isFree) frees.Enqueue(free);
            }
        }

        void Allocate(Prng random, MemoryGroup group)
        {
            switch (random.Below(4))
            {
                case 0:
                    nint ownNode = (nint)own.Allocate(group);
                    frees.Enqueue(() => own.Free((Node*)ownNode));
                    break;
                case 1:
                    nint madeNode = (nint)made.Allocate(group);
                    Assert.Equal(7, ((Node*)madeNode)->Number);
                    frees.Enqueue(() => made.Free((Node*)madeNode));
                    break;
                default:
                    int bytes = random.OneIn(20) ? random.Below(800_000) : random.Below(1 << (3 + random.Below(13)));
                    nint block = slabs.Allocate(group, bytes, random.OneIn(2) ? MemoryKind.Kernel : MemoryKind.User);
                    frees.Enqueue(() => slabs.Free(block));
                    break;
            }
        }
    }

    private struct Node
    {
        public long Number;
        public fixed byte Name[300];
    }
}
