namespace Allot.Tests;

/// <summary>I4, I6: threads that have ended leave nothing behind, not even an entry in the list of threads.</summary>
public sealed class ReserveRegistryTests
{
    // Other tests run at the same time, and their threads are in the same list.
    private const int OthersMax = 64;

    private readonly MemoryController _controller = new();
    private readonly MemoryGroup _group;

    public ReserveRegistryTests() => _group = _controller.Root.CreateChild("g");

    [Fact]
    public void Short_threads_one_after_the_other_share_few_entries()
    {
        for (int i = 0; i < 1_000; i++) new Sleeper(ChargeOften).Dispose();
        Assert.InRange(ReserveRegistry.All.Length, 0, OthersMax);
        Assert.Equal(0, _controller.Root.Memory.CurrentBytes);
    }

    [Fact]
    public void Many_threads_at_once_are_forgotten_when_reserves_are_trimmed()
    {
        EndManyAtOnce(ChargeOften);
        _controller.Reserves.Trim(_controller.Root.Memory);
        Assert.InRange(ReserveRegistry.All.Length, 0, OthersMax);
        Assert.Equal(0, _controller.Root.Memory.ReservedBytes);
        Assert.Equal(0, _controller.Root.Memory.CurrentBytes);
        Assert.Equal(0, _controller.Reserves.BoundSlots);
    }

    [Fact]
    public void Many_threads_at_once_are_forgotten_as_new_threads_come()
    {
        EndManyAtOnce(ChargeOften);
        for (int i = 0; i < 300; i++) new Sleeper(ChargeOften).Dispose();
        Assert.InRange(ReserveRegistry.All.Length, 0, OthersMax);
        Assert.InRange(_controller.Reserves.BoundSlots, 0, OthersMax);
    }

    [Theory, InlineData("collected"), InlineData("swept"), InlineData("inherited")]
    public void What_an_ended_thread_held_and_others_have_uncharged_is_reported_when_it_is_found(string how)
    {
        // No timer looks for it, and nobody charges its tree again.
        var controller = new MemoryController(options: new() { Time = new ManualTime() });
        MemoryGroup group = controller.Root.CreateChild("g");
        using (new Sleeper(() => ChargeOften(group)))
        {
            // While the thread lives: once it has ended, any test that starts a thread may find what it held.
            Assert.NotEqual(0, group.Memory.ReservedBytes);
            group.Memory.UnchargePath(group.Memory.ReservedBytes);   // as a race of wrong uncharges may
        }

        for (int i = 0; i < 1_000 && controller.Reserves.BoundSlots > 0; i++)
        {
            if (how == "inherited") new Sleeper(ChargeOften).Dispose();
            if (how == "swept") ReserveRegistry.Sweep();
            if (how != "collected") continue;
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        // Other tests run at the same time: whoever finds it reports it.
        Assert.True(SpinWait.SpinUntil(() => group.ReadEvents().AccountingErrors > 0, TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public void Threads_that_held_nothing_are_forgotten_when_garbage_is_collected()
    {
        EndManyAtOnce(() =>
        {
            _group.Charge(MemoryKind.User, 1);
            _group.Uncharge(MemoryKind.User, 1);
        });
        Assert.Equal(0, _controller.Reserves.BoundSlots);   // so no timer runs
        for (int i = 0; i < 100 && ReserveRegistry.All.Length > OthersMax; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.InRange(ReserveRegistry.All.Length, 0, OthersMax);
    }

    [Fact]
    public void Numbers_are_right_while_threads_come_and_go()
    {
        const int Standing = 1_000;
        bool isDone = false;
        long wrong = 0;
        var reader = new Thread(() =>
        {
            while (!Volatile.Read(ref isDone))
            {
                if (_controller.Root.Memory.CurrentBytes is < Standing or > Standing + (16 * 10)) wrong++;
                ReserveRegistry.Sweep();
            }
        });
        _group.Charge(MemoryKind.User, Standing);
        reader.Start();
        for (int round = 0; round < 50; round++)
        {
            Thread[] threads = [.. Enumerable.Range(0, 8).Select(_ => new Thread(ChargeOften))];
            foreach (Thread thread in threads) thread.Start();
            foreach (Thread thread in threads) thread.Join();
        }

        Volatile.Write(ref isDone, true);
        reader.Join();
        Assert.Equal(0, wrong);
        Assert.Equal(Standing, _controller.Root.Memory.CurrentBytes);
        Assert.Empty(TreeWalk.FindViolations(_controller));
    }

    private static void EndManyAtOnce(Action work)
    {
        Sleeper[] threads = [.. Enumerable.Range(0, 200).Select(_ => new Sleeper(work))];
        foreach (Sleeper thread in threads) thread.Dispose();
    }

    private void ChargeOften() => ChargeOften(_group);

    private static void ChargeOften(MemoryGroup group)
    {
        for (int i = 0; i < 100; i++)
        {
            group.Charge(MemoryKind.User, 10);
            group.Uncharge(MemoryKind.User, 10);
        }
    }
}
