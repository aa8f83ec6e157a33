using Allot.Maps;

namespace Allot.Tests.Maps;

public sealed class UserRingBufferTests : IDisposable
{
    private readonly MemoryGroup _group = new MemoryController().Root.CreateChild("tenant");
    private readonly UserRingBuffer _ring;

    public UserRingBufferTests() =>
        _ring = new UserRingBuffer(_group, new MapDefinition { Type = MapType.UserRingBuffer, Capacity = 4096 });

    public void Dispose()
    {
        _ring.Dispose();
        Assert.Equal(0, _group.Memory.CurrentBytes);
    }

    [Fact]
    public void A_drain_gets_what_was_submitted_up_to_the_first_busy_record()
    {
        _ring.TryWrite([1]);
        Assert.True(_ring.TryReserve(1, out RingReservation discarded));
        _ring.TryWrite([2]);
        Assert.True(_ring.TryReserve(1, out RingReservation busy));
        _ring.TryWrite([3]);
        discarded.Discard();
        List<byte> all = [];
        Assert.Equal(2, Drain(all));
        Assert.Equal(0, Drain(all));
        busy.Submit();
        Assert.Equal(2, Drain(all));
        Assert.Equal([1, 2, 0, 3], all);
    }

    [Fact]
    public void A_drain_that_wants_no_more_leaves_the_rest()
    {
        _ring.TryWrite([1]);
        _ring.TryWrite([2]);
        Assert.Equal(1, _ring.Drain(static (_, _) => false, 0));
        Assert.Equal(1, _ring.Drain(static (_, _) => false, 0));
    }

    [Fact]
    public void A_drain_inside_of_a_drain_is_EBUSY()
    {
        _ring.TryWrite([1]);
        int inner = 0;
        _ring.Drain(
            (_, ring) =>
            {
                inner = ring.Drain(static (_, _) => true, 0);
                return true;
            },
            _ring);
        Assert.Equal(-16, inner);
    }

    [Fact]
    public void A_consumer_that_throws_has_had_its_record()
    {
        _ring.TryWrite([1]);
        _ring.TryWrite([2]);
        Assert.Throws<InvalidOperationException>(() =>
            _ring.Drain<int>(static (_, _) => throw new InvalidOperationException(), 0));
        List<byte> all = [];
        Drain(all);
        Assert.Equal([2], all);
    }

    [Theory]
    [InlineData(RingWakeUp.WhenAwaited, true)]
    [InlineData(RingWakeUp.Never, false)]
    public async Task Who_waits_for_room_is_woken_by_a_drain(RingWakeUp wakeUp, bool isWoken)
    {
        while (_ring.TryWrite(new byte[100]))
        {
        }

        Task<bool> waiting = _ring.WaitToWriteAsync(100, TestContext.Current.CancellationToken).AsTask();
        Assert.False(waiting.IsCompleted);
        _ring.Drain(static (_, _) => false, 0, wakeUp);
        if (!isWoken)
        {
            Assert.False(waiting.IsCompleted);
            _ring.Drain(static (_, _) => false, 0, RingWakeUp.Always);
        }

        Assert.True(await waiting);
        Assert.True(_ring.TryWrite(new byte[100]));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            async () => await _ring.WaitToWriteAsync(4088, TestContext.Current.CancellationToken));
    }

    private int Drain(List<byte> all) => _ring.Drain(
        static (record, all) =>
        {
            all.Add(record[0]);
            return true;
        },
        all);
}
