namespace Allot.Tests;

/// <summary>Charging from what a thread holds in advance allocates nothing, and neither does what happens around it:
/// filling, emptying, taking back, serving many groups in turn.</summary>
public sealed class ReserveHotPathTests
{
    private const int Rounds = 500;
    private const int Burst = 256;

    // Nobody looks for idle reserves meanwhile.
    private readonly MemoryController _controller = new(options: new() { Time = new ManualTime() });
    private readonly MemoryGroup _middle;

    public ReserveHotPathTests()
    {
        _middle = _controller.Root.CreateChild("a");
        Leaf = _middle.CreateChild("b");
    }

    private MemoryGroup Leaf { get; }

    [Theory, InlineData(MemoryKind.User), InlineData(MemoryKind.Kernel)]
    public void By_group(MemoryKind kind) => FreshThread.Run(() =>
    {
        AssertAllocatesNothing(() =>
        {
            Leaf.Charge(kind, 64);
            Leaf.Uncharge(kind, 64);
        });
        AssertHoldsInAdvance(kind);
    });

    [Theory, InlineData(MemoryKind.User), InlineData(MemoryKind.Kernel)]
    public void By_trying(MemoryKind kind) => FreshThread.Run(() =>
    {
        AssertAllocatesNothing(() =>
        {
            if (Leaf.TryCharge(kind, 64, out _)) Leaf.Uncharge(kind, 64);
        });
        AssertHoldsInAdvance(kind);
    });

    [Theory, InlineData(MemoryKind.User), InlineData(MemoryKind.Kernel)]
    public void By_handle(MemoryKind kind) => FreshThread.Run(() =>
    {
        AssertAllocatesNothing(() =>
        {
            GroupHandle handle = Leaf.Handle(kind);
            handle.Charge(64);
            handle.Uncharge(64);
            if (handle.TryCharge(64)) handle.Uncharge(64);
            if (handle.TryCharge(64, out _)) handle.Uncharge(64);
        });
        AssertHoldsInAdvance(kind);
    });

    // Each burst is larger than what is held in advance, so that it is filled from the tree and emptied to it.
    [Theory, InlineData(MemoryKind.User), InlineData(MemoryKind.Kernel)]
    public void In_bursts(MemoryKind kind) => FreshThread.Run(() =>
    {
        long moves = 0;
        AssertAllocatesNothing(() =>
        {
            moves = -_controller.Reserves.Moves.Ended;
            GroupHandle handle = Leaf.Handle(kind);
            for (int i = 0; i < Burst; i++) handle.Charge(64 << 10);
            for (int i = 0; i < Burst; i++) handle.Uncharge(64 << 10);
            moves += _controller.Reserves.Moves.Ended;
        });
        Assert.True(moves > 0, "Nothing was filled or emptied: the test proves nothing.");
        AssertHoldsInAdvance(kind);
    });

    [Fact]
    public void By_a_charge_that_owns() => FreshThread.Run(() =>
    {
        using MemoryCharge charge = Leaf.Hold(MemoryKind.User);
        AssertAllocatesNothing(() =>
        {
            charge.Grow(64);
            charge.TryGrow(64, out _);
            charge.Resize(32);
            charge.Shrink(32);
        });
        AssertHoldsInAdvance(MemoryKind.User);
    });

    [Fact]
    public void By_awaiting() => FreshThread.Run(() =>
    {
        AssertAllocatesNothing(() =>
        {
            Assert.True(IsCharged(Leaf.ChargeAsync(MemoryKind.User, 64)));
            Leaf.Uncharge(MemoryKind.User, 64);
        });
        AssertHoldsInAdvance(MemoryKind.User);
    });

    [Theory, InlineData(8), InlineData(100)]
    public void For_many_groups_in_turn(int count) => FreshThread.Run(() =>
    {
        MemoryGroup[] groups = [.. Enumerable.Range(0, count).Select(i => _middle.CreateChild($"g{i}"))];
        AssertAllocatesNothing(() =>
        {
            foreach (MemoryGroup group in groups) group.Charge(MemoryKind.User, 64);
            foreach (MemoryGroup group in groups) group.Uncharge(MemoryKind.User, 64);
        });
        Assert.NotEqual(0, _controller.Root.Memory.ReservedBytes);
    });

    // What was held in advance is taken back in each round, for a charge that needs all there is.
    [Fact]
    public void When_a_charge_takes_everything_back() => FreshThread.Run(() =>
    {
        const long MiB = 1 << 20;
        Leaf.Memory.MaxBytes = 4 * MiB;
        AssertAllocatesNothing(() =>
        {
            for (int i = 0; i < 20; i++)
            {
                Leaf.Charge(MemoryKind.User, 64);
                Leaf.Uncharge(MemoryKind.User, 64);
            }

            if (Leaf.TryCharge(MemoryKind.User, 4 * MiB, out _)) Leaf.Uncharge(MemoryKind.User, 4 * MiB);
        });
        Assert.Equal(4 * MiB, Leaf.Memory.PeakBytes);
    });

    [Fact]
    public void Below_a_high_limit() => FreshThread.Run(() =>
    {
        _middle.HighBytes = 1 << 20;
        AssertAllocatesNothing(() =>
        {
            Leaf.TryCharge(MemoryKind.User, 64, out _);
            Leaf.Charge(MemoryKind.User, 64);
            Leaf.Uncharge(MemoryKind.User, 128);
        });
        AssertHoldsInAdvance(MemoryKind.User);
    });

    private static bool IsCharged(ValueTask charging) => charging.IsCompletedSuccessfully;

    private static void AssertAllocatesNothing(Action body) => Allocations.AssertNone(Rounds, body);

    private void AssertHoldsInAdvance(MemoryKind kind)
    {
        MemoryCounter counter = kind == MemoryKind.Kernel ? Leaf.Kernel : Leaf.Memory;
        Assert.True(counter.ReservedBytes > 0, "Nothing was held in advance: the test proves nothing.");
        Assert.Equal((0, 0), (Leaf.Memory.CurrentBytes, _controller.Root.Memory.CurrentBytes));
    }
}
