namespace Allot.Tests;

/// <summary>A thread is stopped between its two stores, in the middle of spending from its reserve, while another takes
/// the reserve back. Every reason to take it back must wait for the second store, and lose nothing.</summary>
public sealed unsafe class ReserveInterleavingTests
{
    private const long MiB = 1 << 20;
    private const long SpentBytes = 100;

    // Nobody else comes to take anything back.
    private readonly MemoryController _controller = new(options: new() { Time = new ManualTime() });
    private readonly MemoryGroup _parent;
    private readonly MemoryGroup _group;

    public ReserveInterleavingTests()
    {
        _parent = _controller.Root.CreateChild("parent", new() { MaxBytes = 4 * MiB });
        _group = _parent.CreateChild("group");
    }

    public enum Taker
    {
        Charge,
        LowerLimit,
        Remove,
        ResetPeak,
        TakeAll,
        Trim,
        Wait,
    }

    public static TheoryData<Taker> Takers => [.. Enum.GetValues<Taker>()];

    [Theory, MemberData(nameof(Takers))]
    public void A_taker_waits_for_the_second_store(Taker taker)
    {
        using var owner = new Sleeper(MakeBusy);
        ReserveSlot* slot = null;
        long key = _group.Memory.ReserveKey, balance = 0;
        owner.Ask(() =>
        {
            slot = ThreadReserves.SlotOf(_group.Memory);
            Assert.Equal(key, slot->Key);
            Volatile.Write(ref slot->Busy, ReserveSlot.InUse);
            balance = slot->Balance;
            return true;
        });

        var taking = new Thread(() => Take(taker, owner.Thread)) { IsBackground = true };
        try
        {
            taking.Start();
            SpinWait.SpinUntil(() => Volatile.Read(ref slot->Key) == 0);   // it has come by, and now it has to wait
            Assert.True(taking.IsAlive);
            Assert.Equal(balance, Volatile.Read(ref slot->Balance));
        }
        finally
        {
            // Whatever was found: who takes must not wait for ever.
            owner.Ask(() =>
            {
                Volatile.Write(ref slot->Balance, balance - SpentBytes);
                Volatile.Write(ref slot->Busy, ReserveSlot.NotInUse);
                return true;
            });
        }

        taking.Join();

        Assert.Equal(0, _parent.Memory.ReservedBytes);
        bool hasCharged = taker is Taker.Charge or Taker.Wait;
        Assert.Equal(SpentBytes + (hasCharged ? (4 * MiB) - SpentBytes : 0), _parent.Memory.CurrentBytes);
        Assert.Empty(TreeWalk.FindViolations(_controller));
        owner.Ask(() => { _group.Uncharge(MemoryKind.User, SpentBytes); return true; });
        if (hasCharged) _parent.Uncharge(MemoryKind.User, (4 * MiB) - SpentBytes);
        Assert.Equal(0, _controller.Root.Memory.CurrentBytes);
        Assert.Equal(0, _controller.Root.ReadEvents().AccountingErrors);
    }

    [Fact]
    public void An_owner_that_comes_after_the_taker_finds_its_slot_closed()
    {
        using var owner = new Sleeper(MakeBusy);
        ReserveSlot* slot = null;
        owner.Ask(() =>
        {
            slot = ThreadReserves.SlotOf(_group.Memory);
            return slot->Key == _group.Memory.ReserveKey;
        });
        _controller.Reserves.TakeBack(_group.Memory);
        Assert.False(owner.Ask(() => slot->TrySpend(_group.Memory.ReserveKey, 1)));
        Assert.False(owner.Ask(() => slot->TryKeep(_group.Memory.ReserveKey, 1)));
        Assert.True(owner.Ask(() => _group.TryCharge(MemoryKind.User, 1, out _)));
        Assert.Equal(1, _controller.Root.Memory.CurrentBytes);
    }

    [Fact]
    public void A_reader_waits_for_the_end_of_a_move_and_in_time_holds_the_next_one_up() => FreshThread.Run(() =>
    {
        MakeBusy();
        ReserveSlot* slot = ThreadReserves.SlotOf(_group.Memory);
        Assert.Equal(_group.Memory.ReserveKey, slot->Key);
        ReserveMoves moves = _controller.Reserves.Moves;
        long balance = slot->Balance, read = -1;
        moves.Begin();
        slot->Balance = 0;   // the middle of a move: bytes in neither place
        var reader = new Thread(() => Volatile.Write(ref read, _parent.Memory.CurrentBytes)) { IsBackground = true };
        reader.Start();
        SpinWait.SpinUntil(() =>
        {
            if (!moves.TryBegin()) return true;
            moves.End();
            return false;
        });
        Assert.True(reader.IsAlive);
        slot->Balance = balance;
        moves.End();
        reader.Join();
        Assert.Equal(0, read);
        Assert.True(moves.TryBegin());   // nobody is held up any more
        moves.End();
    });

    private void Take(Taker taker, Thread owner)
    {
        switch (taker)
        {
            case Taker.Charge:
                _parent.Charge(MemoryKind.User, (4 * MiB) - SpentBytes);
                break;
            case Taker.LowerLimit:
                _parent.Memory.MaxBytes = 10;
                break;
            case Taker.Remove:
                _group.Remove();
                break;
            case Taker.ResetPeak:
                _parent.Memory.OpenPeak().Dispose();
                break;
            case Taker.TakeAll:
                long balance = -1;
                Assert.True(ReserveRegistry.TryTakeAll(owner, () => balance = _parent.Memory.ReservedBytes));
                Assert.Equal(0, balance);   // what is done while the thread is stopped finds all of it done
                break;
            case Taker.Trim:
                _controller.Reserves.Trim(_controller.Root.Memory);
                _controller.Reserves.Trim(_controller.Root.Memory);
                break;
            default:
                _parent.ChargeAsync(MemoryKind.User, (4 * MiB) - SpentBytes).AsTask().Wait();
                break;
        }
    }

    private void MakeBusy()
    {
        for (int i = 0; i < 100; i++)
        {
            _group.Charge(MemoryKind.User, 10);
            _group.Uncharge(MemoryKind.User, 10);
        }
    }
}
