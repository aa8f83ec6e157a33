namespace Allot.Tests.Pins;

/// <summary>What the check list does not ask of an account.</summary>
public sealed class PinAccountTests
{
    private readonly TreeOfThree _tree = new();

    [Fact]
    public void Nobody_pays_inside_of_block_accounting_and_nothing_is_given_back_for_it()
    {
        using var account = new PinAccount(_tree.Leaf);
        account.Pin(10);
        using (AllocationScope.BlockAccounting()) account.Pin(5);
        Assert.Equal((15, 10), (account.Bytes, _tree.Leaf.Pins.CurrentBytes));
        account.Unpin(6);
        Assert.Equal((9, 9), (account.Bytes, _tree.Leaf.Pins.CurrentBytes));
        using (AllocationScope.BlockAccounting()) account.Dispose();
        Assert.Equal([0, 0, 0], _tree.Pins);
    }

    [Fact]
    public void Who_unpins_too_much_is_counted_and_eats_nobody_elses_bytes()
    {
        using var other = new PinAccount(_tree.Leaf);
        using var account = new PinAccount(_tree.Leaf);
        other.Pin(100);
        account.Pin(10);
        account.Unpin(11);
        Assert.Equal((0, 100), (account.Bytes, _tree.Leaf.Pins.CurrentBytes));
        Assert.Equal(1, _tree.Leaf.ReadEvents().AccountingErrors);
    }

    [Fact]
    public void Wrong_arguments_are_refused_before_anything_changes()
    {
        Assert.Throws<ArgumentNullException>(() => new PinAccount((MemoryGroup)null!));
        Assert.Throws<ArgumentNullException>(() => new PinAccount((PinWorker)null!));
        Assert.Throws<ArgumentNullException>(() => new PinWorker(null!));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PinAccount(_tree.Leaf, new() { Kind = (PinKind)2 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PinAccount(_tree.Leaf, new() { Source = (PinSource)99 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => _tree.Leaf.ReadPinStat().BytesOf((PinSource)99));
        using var account = new PinAccount(_tree.Leaf, new() { LockLimit = null });
        Assert.Throws<ArgumentOutOfRangeException>(() => account.Pin(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => account.Unpin(-1));
        account.Pin(MemoryGroup.MaxChargeBytes);
        Assert.Throws<ArgumentOutOfRangeException>(() => account.Pin(1));
        Assert.Equal(MemoryGroup.MaxChargeBytes, _tree.Leaf.Pins.CurrentBytes);
    }

    [Fact]
    public void The_limit_of_the_process_is_one_for_all_accounts()
    {
        var limit = new TestLimit(pages: 3);
        PinAccount[] accounts = [.. _tree.Groups.Select(group => new PinAccount(group, new() { LockLimit = limit.Limit }))];
        foreach (PinAccount account in accounts) account.Pin(4096);
        Assert.All(accounts, account => Assert.False(account.TryPin(1, out _)));
        accounts[0].Dispose();
        accounts[1].Pin(4096);
        Assert.False(accounts[2].TryPin(1, out ChargeRefusal refusal));
        Assert.Equal((3 * 4096, 3 * 4096), (refusal.CurrentBytes, refusal.MaxBytes));
        foreach (PinAccount account in accounts) account.Dispose();
        Assert.Equal(0, limit.Limit.CurrentBytes);
    }

    [Fact]
    public async Task What_one_account_passes_on_to_another_is_never_free_for_a_third()
    {
        const int Rounds = 50_000;
        var limit = new TestLimit(pages: 16);
        var options = new PinAccountOptions { Kind = PinKind.Locked, LockLimit = limit.Limit };
        using PinAccount one = new(_tree.Leaf, options), other = new(_tree.Root, options);
        using PinAccount third = new(_tree.Leaf, options);
        one.Pin(16 * 4096);
        Task passing = Task.Run(() =>
        {
            for (int round = 0; round < Rounds; round++)
            {
                one.PassOn(other, 16 * 4096);
                other.PassOn(one, 16 * 4096);
            }
        }, TestContext.Current.CancellationToken);
        long least = long.MaxValue;
        while (!passing.IsCompleted)
        {
            least = Math.Min(least, limit.Limit.CurrentBytes);
            Assert.False(third.TryPin(4096, out _));
        }

        await passing;
        Assert.Equal(16 * 4096, Math.Min(least, limit.Limit.CurrentBytes));
    }

    [Fact]
    public void The_limit_of_this_process_is_that_of_the_system()
    {
        long bytes = MemoryLockLimit.OfProcess.MaxBytes;
        Assert.Equal(0, bytes == MemoryGroup.Unlimited ? 0 : bytes % Environment.SystemPageSize);
    }

    [Fact]
    public void A_worker_who_moves_while_he_pins_loses_nothing()
    {
        MemoryGroup other = _tree.Root.CreateChild("other");
        var worker = new PinWorker(_tree.Leaf);
        using var account = new PinAccount(worker, new() { Kind = PinKind.Locked, LockLimit = null });
        Parallel.For(0, 4, thread =>
        {
            for (int i = 0; i < 2_000; i++)
            {
                if (thread == 0)
                {
                    worker.MoveTo(i % 2 == 0 ? other : _tree.Leaf);
                }
                else
                {
                    account.Pin(7);
                    account.Unpin(7);
                }
            }
        });
        Assert.Equal(0, account.Bytes);
        Assert.Equal([0, 0, 0], _tree.Pins);
        Assert.Equal(0, other.Pins.CurrentBytes);
        Assert.Equal(0, _tree.Root.ReadEvents().AccountingErrors);
    }

    [Fact]
    public void A_move_to_another_tree_takes_the_bytes_there()
    {
        MemoryGroup other = new MemoryController().Root.CreateChild("other");
        var worker = new PinWorker(_tree.Leaf);
        using var account = new PinAccount(worker, new() { Kind = PinKind.Locked, LockLimit = null });
        account.Pin(7);
        worker.MoveTo(other);
        Assert.Equal([0, 0, 0], _tree.Pins);
        Assert.Equal((7, 7), (other.Parent!.Pins.CurrentBytes, other.ReadStat().LockedBytes));
        other.Remove();
        worker.MoveTo(_tree.Leaf);   // from the heir of the removed one
        Assert.Equal([7, 7, 7], _tree.Pins);
        Assert.Equal(0, other.Parent.Pins.CurrentBytes);
    }

    [Fact]
    public void A_watch_that_throws_is_contained_and_one_that_is_disposed_is_not_called()
    {
        _tree.Leaf.Pins.MaxBytes = 0;
        using var called = new SemaphoreSlim(0);
        IDisposable first = _tree.Leaf.WatchPins(_ => throw new InvalidOperationException("of the test"));
        using IDisposable second = _tree.Root.WatchPins(_ => called.Release());
        using var account = new PinAccount(_tree.Leaf, new() { LockLimit = null });
        first.Dispose();
        first.Dispose();
        Assert.False(account.TryPin(1, out _));
        called.Wait(TestContext.Current.CancellationToken);
        Assert.Throws<ArgumentNullException>(() => _tree.Leaf.WatchPins(null!));
    }
}
