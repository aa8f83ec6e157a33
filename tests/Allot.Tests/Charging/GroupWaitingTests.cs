namespace Allot.Tests;

/// <summary>Charges that wait for room: who is served, in which order, and how a wait ends otherwise.</summary>
public sealed class GroupWaitingTests
{
    private readonly MemoryController _controller = new(options: new() { Time = new ManualTime() });
    private readonly MemoryGroup _group;
    private readonly MemoryGroup _a;
    private readonly MemoryGroup _b;

    public GroupWaitingTests()
    {
        _group = _controller.Root.CreateChild("group", new() { MaxBytes = 100 });
        _a = _group.CreateChild("a");
        _b = _group.CreateChild("b");
    }

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    [Fact]
    public void What_fits_is_charged_at_once_and_allocates_nothing()
    {
        Assert.True(IsCharged(_a.ChargeAsync(MemoryKind.User, 1, Test)));
        _a.Uncharge(MemoryKind.User, 1);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            Assert.True(IsCharged(_a.ChargeAsync(MemoryKind.User, 10, Test)));
            _a.Uncharge(MemoryKind.User, 10);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(0, _group.Memory.CurrentBytes);
    }

    [Fact]
    public async Task A_charge_waits_until_there_is_room()
    {
        _a.Charge(MemoryKind.User, 80);
        Task waiting = _b.ChargeAsync(MemoryKind.User, 50, Test).AsTask();
        Assert.False(waiting.IsCompleted);
        Assert.Equal(80, _group.Memory.CurrentBytes);
        _a.Uncharge(MemoryKind.User, 20);
        Assert.False(waiting.IsCompleted);
        _a.Uncharge(MemoryKind.User, 10);
        await waiting;
        Assert.Equal(100, _group.Memory.CurrentBytes);
        Assert.Equal(50, _b.Memory.CurrentBytes);
    }

    [Fact]
    public async Task A_large_request_is_served_before_a_small_one_that_came_later()
    {
        _a.Charge(MemoryKind.User, 90);
        Task large = _b.ChargeAsync(MemoryKind.User, 60, Test).AsTask();
        Task small = _b.ChargeAsync(MemoryKind.User, 5, Test).AsTask();
        Assert.False(small.IsCompleted);
        _a.Uncharge(MemoryKind.User, 40);
        Assert.False(small.IsCompleted);
        _a.Uncharge(MemoryKind.User, 10);
        await large;
        Assert.False(small.IsCompleted);
        _a.Uncharge(MemoryKind.User, 5);
        await small;
        Assert.Equal(100, _group.Memory.CurrentBytes);
    }

    [Fact]
    public async Task Charges_that_do_not_wait_may_pass_by_as_many_bytes_as_are_waited_for()
    {
        _a.Charge(MemoryKind.User, 70);
        Task waiting = _b.ChargeAsync(MemoryKind.User, 40, Test).AsTask();
        for (int i = 0; i < 4; i++)
        {
            Assert.True(_a.TryCharge(MemoryKind.User, 10, out _));
            _a.Uncharge(MemoryKind.User, 10);
        }

        Assert.False(_a.TryCharge(MemoryKind.User, 10, out ChargeRefusal refusal));
        Assert.Equal(RefusalReason.RoomPromised, refusal.Reason);
        Assert.Equal(_group, refusal.Limiter);
        Assert.Contains("promised", refusal.ToString(), StringComparison.Ordinal);
        _a.Uncharge(MemoryKind.User, 10);
        await waiting;
        _b.Uncharge(MemoryKind.User, 40);
        Assert.True(_a.TryCharge(MemoryKind.User, 10, out _));
    }

    [Fact]
    public async Task A_group_that_is_not_behind_the_line_charges_as_ever()
    {
        _a.Memory.MaxBytes = 10;
        _a.Charge(MemoryKind.User, 10);
        Task waiting = _a.ChargeAsync(MemoryKind.User, 5, Test).AsTask();
        Assert.True(_b.TryCharge(MemoryKind.User, 90, out _));
        _b.Uncharge(MemoryKind.User, 90);
        _a.Memory.MaxBytes = 15;
        await waiting;
        Assert.Equal(15, _group.Memory.CurrentBytes);
    }

    [Fact]
    public async Task Who_waits_at_one_level_and_then_at_another_is_served_in_the_end()
    {
        _a.Memory.MaxBytes = 40;
        _a.Charge(MemoryKind.User, 40);
        _b.Charge(MemoryKind.User, 60);
        Task waiting = _a.ChargeAsync(MemoryKind.User, 30, Test).AsTask();
        _b.Charge(MemoryKind.User, 0);
        _a.Memory.MaxBytes = 70;
        Assert.False(waiting.IsCompleted);
        _b.Uncharge(MemoryKind.User, 29);
        Assert.False(waiting.IsCompleted);
        _b.Uncharge(MemoryKind.User, 1);
        await waiting;
        Assert.Equal(70, _a.Memory.CurrentBytes);
    }

    [Fact]
    public async Task Kernel_memory_waits_at_either_of_its_limits()
    {
        _group.Kernel.MaxBytes = 20;
        _a.Charge(MemoryKind.Kernel, 20);
        _a.Charge(MemoryKind.User, 75);
        Task waiting = _b.ChargeAsync(MemoryKind.Kernel, 10, Test).AsTask();
        _a.Uncharge(MemoryKind.Kernel, 4);
        _group.Kernel.MaxBytes = 30;
        Assert.False(waiting.IsCompleted);
        _a.Uncharge(MemoryKind.User, 1);
        await waiting;
        Assert.Equal(26, _group.Kernel.CurrentBytes);
        Assert.Equal(100, _group.Memory.CurrentBytes);
    }

    [Fact]
    public async Task A_token_ends_the_wait_and_those_behind_go_on()
    {
        using var source = new CancellationTokenSource();
        _a.Charge(MemoryKind.User, 90);
        Task large = _b.ChargeAsync(MemoryKind.User, 60, source.Token).AsTask();
        Task small = _b.ChargeAsync(MemoryKind.User, 10, Test).AsTask();
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => large);
        await small;
        Assert.Equal(100, _group.Memory.CurrentBytes);
        Assert.True(_a.ChargeAsync(MemoryKind.User, 1, new CancellationToken(canceled: true)).AsTask().IsCanceled);
    }

    [Fact]
    public async Task A_request_that_can_never_fit_is_refused_at_once_also_later()
    {
        await Assert.ThrowsAsync<MemoryLimitExceededException>(() =>
            _a.ChargeAsync(MemoryKind.User, 101, Test).AsTask());
        _a.Charge(MemoryKind.User, 50);
        Task waiting = _b.ChargeAsync(MemoryKind.User, 80, Test).AsTask();
        _group.Memory.MaxBytes = 79;
        var thrown = await Assert.ThrowsAsync<MemoryLimitExceededException>(() => waiting);
        Assert.Equal(_group, thrown.Refusal.Limiter);
        Assert.Equal(50, _group.Memory.CurrentBytes);
    }

    [Fact]
    public async Task A_limit_lowered_anywhere_on_the_way_ends_the_wait_also_of_who_is_not_first()
    {
        _a.Charge(MemoryKind.User, 100);
        Task first = _b.ChargeAsync(MemoryKind.User, 10, Test).AsTask();
        Task second = _b.ChargeAsync(MemoryKind.User, 50, Test).AsTask();
        _b.Memory.MaxBytes = 40;
        var thrown = await Assert.ThrowsAsync<MemoryLimitExceededException>(() => second);
        Assert.Equal(_b, thrown.Refusal.Limiter);
        Assert.False(first.IsCompleted);
        _a.Uncharge(MemoryKind.User, 10);
        await first;
    }

    [Fact]
    public async Task Transfers_do_not_pass_a_waiting_charge_for_ever()
    {
        _a.Memory.MaxBytes = 100;
        _group.Memory.MaxBytes = 1000;
        using MemoryCharge one = _a.Hold(MemoryKind.User, 50), other = _b.Hold(MemoryKind.User, 50);
        using MemoryCharge rest = _a.Hold(MemoryKind.User, 30);
        Task waiting = _a.ChargeAsync(MemoryKind.User, 60, Test).AsTask();
        int passed = 0;
        while (passed < 1000 && one.TryTransferTo(_b, out _) && one.TryTransferTo(_a, out _)) passed++;
        Assert.InRange(passed, 0, 2);
        one.TransferTo(_b);
        await waiting;
        Assert.Equal(90, _a.Memory.CurrentBytes);
    }

    [Fact]
    public async Task A_removed_group_ends_the_wait()
    {
        _a.Charge(MemoryKind.User, 80);
        Task waiting = _b.ChargeAsync(MemoryKind.User, 50, Test).AsTask();
        Task behind = _a.ChargeAsync(MemoryKind.User, 20, Test).AsTask();
        _b.Remove();
        var thrown = await Assert.ThrowsAsync<MemoryLimitExceededException>(() => waiting);
        Assert.Equal(RefusalReason.GroupRemoved, thrown.Refusal.Reason);
        await behind;
        await Assert.ThrowsAsync<MemoryLimitExceededException>(() => _b.ChargeAsync(MemoryKind.User, 1, Test).AsTask());
    }

    [Fact]
    public async Task What_threads_hold_in_advance_is_room_for_who_waits()
    {
        const long MiB = 1 << 20;
        _group.Memory.MaxBytes = 4 * MiB;
        using var busy = new Sleeper(() =>
        {
            for (int i = 0; i < 100; i++)
            {
                _a.Charge(MemoryKind.User, 10);
                _a.Uncharge(MemoryKind.User, 10);
            }

            _a.Charge(MemoryKind.User, 2 * MiB);
        });
        Task waiting = _b.ChargeAsync(MemoryKind.User, 4 * MiB, Test).AsTask();
        Assert.False(waiting.IsCompleted);
        busy.Ask(() =>
        {
            for (int i = 0; i < 2048; i++) _a.Uncharge(MemoryKind.User, 1024);
            return true;
        });
        await waiting;
        Assert.Equal(0, _group.Memory.ReservedBytes);
        Assert.Equal(4 * MiB, _group.Memory.CurrentBytes);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(MemoryGroup.MaxChargeBytes + 1)]
    public void An_amount_out_of_range_is_an_error_at_once(long bytes) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => { _ = _a.ChargeAsync(MemoryKind.User, bytes, Test).AsTask(); });

    private static bool IsCharged(ValueTask charging) => charging.IsCompletedSuccessfully;
}
