using Allot.Tests.Regressions;

namespace Allot.Tests.Issues;

/// <summary>An exception of foreign code is contained even if it cannot say what it is: what throws in ToString or
/// Message takes neither a charge along nor a thread of the pool, and with that the process.</summary>
public sealed class SilentExceptionTests
{
    [Fact]
    public void One_of_a_reclaimer_is_contained()
    {
        var tree = new TreeOfThree(middle: new() { MaxBytes = 100 });
        tree.Leaf.Charge(MemoryKind.User, 100);
        using var counts = new TestReclaimer(tree.Leaf, static () => throw new SilentException(), static _ => 0);
        using var gives = new TestReclaimer(tree.Leaf, static () => 100, static _ => throw new SilentException());
        Assert.Throws<MemoryLimitExceededException>(() => tree.Leaf.Charge(MemoryKind.User, 1));
        Assert.True(tree.Leaf.ReadEvents().ReclaimErrors > 1);
    }

    [Fact]
    public void One_of_an_out_of_memory_policy_is_contained()
    {
        var options = new MemoryControllerOptions { OutOfMemoryPolicy = new SilentPolicy() };
        var controller = new MemoryController(new() { MaxBytes = 100 }, options);
        using IDisposable observation = controller.ObserveOutOfMemory(static _ => throw new SilentException());
        Assert.Throws<MemoryLimitExceededException>(() => controller.Root.CreateChild("a").Charge(MemoryKind.User, 101));
        controller.Root.CreateChild("b").Charge(MemoryKind.User, 60);
        Assert.Throws<MemoryLimitExceededException>(() => controller.Root.CreateChild("c").Charge(MemoryKind.User, 60));
        Assert.Contains(nameof(SilentException), Assert.Single(controller.OutOfMemoryDecisions).Fault, default);
    }

    [Fact]
    public void One_of_a_kill_callback_is_contained()
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("a");
        group.Killed.Register(static () => throw new SilentException());
        group.Kill("test");
        Assert.Equal(MemoryGroupState.Killed, group.State);
    }

    [Fact]
    public void One_of_a_pressure_callback_is_contained()
    {
        var time = new ManualTime();
        MemoryGroup group = new MemoryController(options: new() { Time = time }).Root.CreateChild("a");
        var trigger = new PressureTrigger { Stall = TimeSpan.FromTicks(1), Window = TimeSpan.FromSeconds(1) };
        int told = 0;
        using IDisposable watch = group.WatchPressure(trigger, _ =>
        {
            told++;
            throw new SilentException();
        });
        using (PressureScope.Enter(group))
        {
            while (told == 0) time.Fire();
        }
    }

    private sealed class SilentPolicy : IOutOfMemoryPolicy
    {
        public OutOfMemoryChoice Choose(OutOfMemoryContext context) => throw new SilentException();
    }

    private sealed class SilentException : Exception
    {
        public override string Message => throw new InvalidOperationException("No words.");

        public override string ToString() => throw new InvalidOperationException("No words.");
    }
}
