namespace Allot.Stress;

/// <summary>Threads that come, charge and end: what all of them hold in advance stays below the number in the
/// documentation, and nothing is left of them.</summary>
[Collection(ScaleTests.Alone)]
public sealed class ThreadChurnTests(ITestOutputHelper output)
{
    private const int Threads = 10_000;
    private const int AtOnce = 50;
    private const long DocumentedBoundBytes = 64 << 20;   // docs/internals/reserves.md
    private const int GroupCount = 16;

    [Fact]
    public void Ten_thousand_threads_leave_nothing_and_hold_no_more_than_the_documented_bound()
    {
        Assert.Equal(DocumentedBoundBytes, new MemoryControllerOptions().ReservesMaxBytes);
        var tree = new MemoryController();
        MemoryGroup[] groups = [.. Enumerable.Range(0, GroupCount).Select(i => tree.Root.CreateChild($"g{i}"))];
        int known = ReserveRegistry.All.Length;
        long most = 0;
        for (int started = 0; started < Threads; started += AtOnce)
        {
            // All have their fill before the first of them ends.
            using var areBusy = new Barrier(AtOnce + 1);
            Thread[] threads =
                [.. Enumerable.Range(started, AtOnce).Select(i => new Thread(() => Work(groups, i, areBusy), 128 << 10))];
            foreach (Thread thread in threads) thread.Start();
            areBusy.SignalAndWait(TestContext.Current.CancellationToken);
            long reserved = tree.Root.Memory.ReservedBytes;
            Assert.InRange(reserved, 1, DocumentedBoundBytes);
            Assert.Equal(AtOnce * 4096, tree.Root.Memory.CurrentBytes);
            most = Math.Max(most, reserved);
            areBusy.SignalAndWait(TestContext.Current.CancellationToken);
            foreach (Thread thread in threads) thread.Join();
            Assert.Equal(0, tree.Root.Memory.CurrentBytes);
        }

        int added = ReserveRegistry.All.Length - known;
        output.WriteLine($"{most} bytes held in advance at most; {added} threads' reserves kept for the next threads");
        Assert.InRange(added, 1, AtOnce * 4);   // those of threads that have ended are used again
        Assert.True(most > DocumentedBoundBytes / 4, "The bound was never near: the test proves nothing.");

        Assert.Equal(0, tree.Root.Memory.CurrentBytes);
        Assert.Empty(TreeWalk.FindViolations(tree));
        tree.Reserves.Trim(tree.Root.Memory);   // as the timer does: what ended threads left goes at its first look
        Assert.Equal((0, 0), (tree.Root.Memory.ReservedBytes, tree.Reserves.BoundSlots));
        Assert.Equal((0, 0), (tree.Root.Memory.RecordedBytes, tree.Root.ReadEvents().AccountingErrors));
    }

    private static void Work(MemoryGroup[] groups, int index, Barrier areBusy)
    {
        for (int i = 0; i < 3; i++) Burst(groups[(index + i) % groups.Length]);
        groups[index % groups.Length].Charge(MemoryKind.User, 4096);
        areBusy.SignalAndWait();
        areBusy.SignalAndWait();
        groups[index % groups.Length].Uncharge(MemoryKind.User, 4096);
    }

    // More than a slot may hold, so that it grows as far as the bound allows.
    private static void Burst(MemoryGroup group)
    {
        for (int i = 0; i < 80; i++) group.Charge(MemoryKind.User, 65_536);
        for (int i = 0; i < 80; i++) group.Uncharge(MemoryKind.User, 65_536);
    }
}
