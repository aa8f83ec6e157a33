namespace Allot.Tests;

/// <summary>I3: what is shown is what is used, exact once threads are quiet.</summary>
public sealed class I3_HonestNumbersTests
{
    private const int Bytes = 10;

    [Fact]
    public void After_racing_threads_every_level_shows_the_sum_of_what_stands()
    {
        var tree = new TreeOfThree();
        Parallel.For(0, 10_000, i =>
        {
            MemoryGroup group = tree.Groups[i % 3];
            group.Charge(i % 2 == 0 ? MemoryKind.User : MemoryKind.Kernel, 3);
            group.Uncharge(i % 2 == 0 ? MemoryKind.User : MemoryKind.Kernel, 2);
        });
        Assert.Equal(10_000, tree.Root.Memory.CurrentBytes);
        Assert.Equal(5_000, tree.Root.Kernel.CurrentBytes);
        Assert.Equal(3_333, tree.Leaf.Memory.CurrentBytes);
        Assert.Empty(TreeWalk.FindViolations(tree.Controller));
    }

    [Fact]
    public void A_limit_change_changes_no_use()
    {
        var tree = new TreeOfThree();
        tree.Leaf.Charge(MemoryKind.User, 70);
        foreach (long max in (long[])[0, 10, 70, 71, MemoryGroup.Unlimited, 1])
        {
            tree.Leaf.Memory.MaxBytes = max;
            Assert.Equal(70, tree.Leaf.Memory.CurrentBytes);
        }
    }

    [Fact]
    public void What_moves_between_the_tree_and_threads_is_never_seen_as_used()
    {
        var controller = new MemoryController();
        MemoryGroup group = controller.Root.CreateChild("g");
        AssertReads(group.Memory, 0, Bytes, () =>
        {
            for (int round = 0; round < 3_000; round++)
            {
                ChargeOften(group, 20);
                controller.Reserves.TakeBack(group.Memory);
            }
        });
    }

    [Fact]
    public void What_moves_between_the_slots_of_a_thread_is_never_seen_as_used()
    {
        const long Held = 1 << 20;
        var controller = new MemoryController();
        MemoryGroup one = controller.Root.CreateChild("one"), other = one;
        for (int i = 0; other == one || other.Memory.SlotOffset != one.Memory.SlotOffset; i++)
        {
            other = controller.Root.CreateChild($"other{i}");   // until it has the same first place
        }

        one.Charge(MemoryKind.User, Held);
        ChargeOften(one, 100);
        ChargeOften(other, 100);

        // Twice the bytes: the slots are not read at one instant, and the thread may charge in between.
        AssertReads(controller.Root.Memory, Held, Held + (2 * Bytes), () =>
        {
            for (int round = 0; round < 20_000; round++) ChargeOften(round % 2 == 0 ? one : other, 100);
        });
    }

    private static void ChargeOften(MemoryGroup group, int times)
    {
        for (int i = 0; i < times; i++)
        {
            group.Charge(MemoryKind.User, Bytes);
            group.Uncharge(MemoryKind.User, Bytes);
        }
    }

    // All that another thread reads meanwhile.
    private static void AssertReads(MemoryCounter counter, long least, long most, Action meanwhile)
    {
        using var started = new ManualResetEventSlim();
        bool isDone = false;
        long lowest = long.MaxValue, highest = long.MinValue;
        var reader = new Thread(() =>
        {
            while (!Volatile.Read(ref isDone))
            {
                long used = counter.CurrentBytes;
                lowest = Math.Min(lowest, used);
                highest = Math.Max(highest, used);
                started.Set();
            }
        });
        reader.Start();
        started.Wait(TestContext.Current.CancellationToken);
        meanwhile();
        Volatile.Write(ref isDone, true);
        reader.Join();
        Assert.InRange(lowest, least, most);
        Assert.InRange(highest, least, most);
    }
}
