using System.Runtime.InteropServices;
using Allot.Maps;

namespace Allot.Tests.Maps;

/// <summary>The rows of Linux' ring buffer, each as it was observed on a live kernel.</summary>
public sealed class RingBufferTests : IDisposable
{
    private readonly MemoryGroup _group = new MemoryController().Root.CreateChild("tenant");
    private readonly RingBuffer _ring;

    public RingBufferTests() => _ring = Create<RingBuffer>(MapType.RingBuffer, 4096);

    public void Dispose()
    {
        _ring.Dispose();
        Assert.Equal(0, _group.Memory.CurrentBytes);
    }

    [Theory]
    [InlineData(16, 24)]
    [InlineData(5, 16)]
    [InlineData(0, 8)]
    [InlineData(1, 16)]
    [InlineData(8, 16)]
    [InlineData(9, 24)]
    public void A_record_takes_its_header_and_its_bytes_rounded_up_to_8(int bytes, ulong takes)
    {
        Assert.True(_ring.TryReserve(bytes, out RingReservation reservation));
        Assert.Equal(bytes, reservation.Bytes.Length);
        Assert.Equal(takes, _ring.Query(RingQuery.ProducerPosition));
        reservation.Submit();
    }

    [Fact]
    public unsafe void The_header_is_a_length_with_two_bits_and_the_pages_from_the_start()
    {
        byte* record = _ring.Reserve(16, 0);
        Assert.Equal(0x8000_0010u, *(uint*)(record - 8));
        Assert.Equal(3u, *(uint*)(record - 4));
        _ring.Commit(record, discards: false, 0);
        Assert.Equal(16u, *(uint*)(record - 8));
        record = _ring.Reserve(8, 0);
        _ring.Commit(record, discards: true, 0);
        Assert.Equal(0x4000_0008u, *(uint*)(record - 8));
        Assert.Equal(24u + 16, _ring.Query(RingQuery.ProducerPosition));
    }

    [Theory]
    [InlineData(4080, true)]
    [InlineData(4081, false)]
    [InlineData(4088, false)]
    [InlineData(4096, false)]
    [InlineData(int.MaxValue, false)]
    public void A_full_ring_keeps_a_byte_free(int bytes, bool fits)
    {
        Assert.Equal(fits, _ring.TryReserve(bytes, out RingReservation reservation));
        if (fits) reservation.Dispose();
    }

    [Fact]
    public void Records_of_8_bytes_fit_255_times_and_then_the_answer_is_EAGAIN()
    {
        byte[] record = new byte[8];
        for (int i = 0; i < 255; i++) Assert.Equal(0, _ring.Output(record, 0));
        Assert.Equal(-11, _ring.Output(record, 0));
        Assert.Equal(-22, _ring.Output(record, 4));
        Assert.Equal(255, _ring.Consume(static (_, _) => true, 0));
        Assert.Equal(0, _ring.Output(record, 0));
    }

    [Fact]
    public void Query_knows_four_figures_and_answers_0_to_others()
    {
        _ring.TryWrite([1, 2, 3]);
        _ring.TryWrite([1, 2, 3]);
        Assert.True(_ring.TryRead(out RingRecord record));
        record.Dispose();
        Assert.Equal(16u, _ring.Query(RingQuery.AvailableBytes));
        Assert.Equal(4096u, _ring.Query(RingQuery.SizeBytes));
        Assert.Equal(16u, _ring.Query(RingQuery.ConsumerPosition));
        Assert.Equal(32u, _ring.Query(RingQuery.ProducerPosition));
        Assert.Equal(0u, _ring.Query((RingQuery)4));
        Assert.Equal(0u, _ring.Query((RingQuery)int.MaxValue));
    }

    [Fact]
    public void A_consumer_stops_at_the_first_busy_record_and_skips_discarded_ones()
    {
        Assert.True(_ring.TryReserve(1, out RingReservation first));
        Assert.True(_ring.TryReserve(1, out RingReservation second));
        Assert.True(_ring.TryReserve(1, out RingReservation third));
        second.Bytes[0] = 2;
        third.Bytes[0] = 3;
        third.Submit();
        Assert.False(_ring.TryRead(out _));
        first.Discard();
        Assert.False(_ring.TryRead(out _));
        second.Submit();
        Assert.Equal([2, 3], ReadAll());
    }

    [Fact]
    public void Records_go_round_the_end_in_one_piece()
    {
        byte[] record = [.. Enumerable.Range(0, 3000).Select(i => (byte)i)];
        for (int round = 0; round < 50; round++)
        {
            record[0] = (byte)round;
            Assert.True(_ring.TryWrite(record));
            Assert.True(_ring.TryRead(out RingRecord read));
            using (read) Assert.True(read.Bytes.SequenceEqual(record));
        }
    }

    [Fact]
    public unsafe void Where_memory_cannot_be_there_twice_a_ring_is_the_same()
    {
        using RecordRing ring = RecordRing.TryCreate(4096, mirrors: false)!;
        for (int round = 0; round < 50; round++)
        {
            byte* record = ring.TryReserve(3000);
            new Span<byte>(record, 3000).Fill((byte)(round + 1));
            ring.Commit(record, discards: false);
            Assert.True(ring.TryPeek(out byte* read, out int length));
            Assert.Equal(3000, new ReadOnlySpan<byte>(read, length).Count((byte)(round + 1)));
            ring.Advance();
            Assert.False(ring.TryPeek(out _, out _));
        }
    }

    [Fact]
    public unsafe void A_ring_has_no_elements()
    {
        ulong key = 0;
        var bytes = (byte*)&key;
        Assert.Equal(-524, _ring.Read(null, bytes));
        Assert.Equal(-22, _ring.Read(bytes, bytes));
        Assert.Equal(-524, _ring.Write(null, bytes));
        Assert.Equal(-22, _ring.Write(bytes, bytes));
        Assert.Equal(-524, _ring.Remove(null));
        Assert.Equal(-22, _ring.Remove(bytes));
        Assert.Equal(-524, _ring.NextKey(null, bytes));
        Assert.Equal(-22, _ring.NextKey(bytes, bytes));
        Assert.True(_ring.Lookup(bytes) == null);
    }

    [Fact]
    public void A_reservation_that_is_disposed_is_discarded_and_used_once()
    {
        using (RingReservation reservation = Reserve(4))
        {
            Assert.Equal(4, reservation.Bytes.Length);
        }

        Assert.False(_ring.TryRead(out _));
        Assert.Equal(16u, _ring.Query(RingQuery.ConsumerPosition));
        Assert.Throws<ObjectDisposedException>(() =>
        {
            RingReservation reservation = Reserve(4);
            reservation.Submit();
            reservation.Submit();
        });
    }

    [Fact]
    public void A_second_consumer_is_a_mistake()
    {
        _ring.TryWrite([1]);
        _ring.TryWrite([2]);
        Assert.True(_ring.TryRead(out RingRecord record));
        Assert.Throws<InvalidOperationException>(() => _ring.TryRead(out _));
        record.Dispose();
        record.Dispose();
        Assert.Equal([2], ReadAll());
    }

    [Theory]
    [InlineData(RingWakeUp.WhenAwaited, true)]
    [InlineData(RingWakeUp.Always, true)]
    [InlineData(RingWakeUp.Never, false)]
    public async Task Who_waits_is_woken_as_the_flag_says(RingWakeUp wakeUp, bool isWoken)
    {
        Task<bool> waiting = _ring.WaitToReadAsync(TestContext.Current.CancellationToken).AsTask();
        Assert.False(waiting.IsCompleted);
        _ring.TryWrite([1], wakeUp);
        if (!isWoken)
        {
            Assert.False(waiting.IsCompleted);
            _ring.TryWrite([2], RingWakeUp.Always);
        }

        Assert.True(await waiting);
        Assert.True(await _ring.WaitToReadAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_record_behind_the_awaited_one_wakes_nobody_unless_it_must()
    {
        Assert.True(_ring.TryReserve(1, out RingReservation awaited));
        Task<bool> waiting = _ring.WaitToReadAsync(TestContext.Current.CancellationToken).AsTask();
        _ring.TryWrite([2]);
        Assert.False(waiting.IsCompleted);
        awaited.Submit();
        Assert.True(await waiting);
    }

    [Fact]
    public async Task Waiting_ends_with_the_ring_and_with_its_token()
    {
        using var cancel = new CancellationTokenSource();
        Task<bool> waiting = _ring.WaitToReadAsync(cancel.Token).AsTask();
        await Assert.ThrowsAsync<InvalidOperationException>(
            async () => await _ring.WaitToReadAsync(CancellationToken.None));
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        waiting = _ring.WaitToReadAsync(CancellationToken.None).AsTask();
        _ring.Dispose();
        Assert.False(await waiting);
        Assert.Throws<ObjectDisposedException>(() => _ring.TryRead(out _));
        Assert.Throws<ObjectDisposedException>(() => _ring.TryWrite([1]));
    }

    [Fact]
    public void What_is_being_read_stays_and_is_paid_for_until_it_was_read()
    {
        _ring.TryWrite([42]);
        Assert.True(_ring.TryRead(out RingRecord record));
        _ring.Dispose();
        Assert.Equal(42, record.Bytes[0]);
        Assert.Equal((long)RecordRing.BytesOf(4096), _group.Kernel.CurrentBytes);
        record.Dispose();
        Assert.Equal(0, _group.Memory.CurrentBytes);
    }

    [Fact]
    public async Task Eight_producers_and_a_consumer_that_waits_lose_nothing()
    {
        const int Producers = 8, RecordsEach = 1_000;
        byte[] seen = new byte[Producers * RecordsEach];
        Task[] producers = [.. Enumerable.Range(0, Producers).Select(producer => Task.Run(() => Produce(producer)))];
        int count = 0;
        while (count < Producers * RecordsEach)
        {
            Assert.True(await _ring.WaitToReadAsync(TestContext.Current.CancellationToken));
            count += _ring.Consume(
                static (record, seen) =>
                {
                    int number = MemoryMarshal.Read<int>(record);
                    Assert.Equal(4 + (number % 50), record.Length);
                    Assert.Equal(-1, record[4..].IndexOfAnyExcept((byte)number));
                    seen[number]++;
                    return true;
                },
                seen);
        }

        await Task.WhenAll(producers);
        Assert.Equal(-1, seen.AsSpan().IndexOfAnyExcept((byte)1));
        Assert.Equal(0, _ring.AvailableBytes);

        void Produce(int producer)
        {
            var wait = new SpinWait();
            for (int i = 0; i < RecordsEach; i++)
            {
                int number = (producer * RecordsEach) + i;
                RingReservation reservation;
                while (!_ring.TryReserve(4 + (number % 50), out reservation)) wait.SpinOnce(sleep1Threshold: -1);
                if (number % 7 == 0)
                {
                    reservation.Discard();
                    while (!_ring.TryReserve(4 + (number % 50), out reservation)) wait.SpinOnce(sleep1Threshold: -1);
                }

                MemoryMarshal.Write(reservation.Bytes, number);
                reservation.Bytes[4..].Fill((byte)number);
                reservation.Submit();
            }
        }
    }

    [Theory]
    [InlineData(4095)]
    [InlineData(12288)]
    [InlineData(2048)]
    [InlineData(0)]
    public void A_ring_is_a_power_of_two_and_whole_pages(long bytes)
    {
        var refused = Assert.Throws<MapRefusedException>(() => Create<RingBuffer>(MapType.RingBuffer, bytes));
        Assert.Equal(-22, refused.Error);
        refused = Assert.Throws<MapRefusedException>(() => Create<UserRingBuffer>(MapType.UserRingBuffer, bytes));
        Assert.Equal(-22, refused.Error);
    }

    [Theory]
    [InlineData(MapType.RingBuffer, 4096)]
    [InlineData(MapType.UserRingBuffer, 65536)]
    [InlineData(MapType.RingBuffer, 1 << 24)]
    public void A_ring_is_charged_with_its_pages(MapType type, long bytes)
    {
        var definition = new MapDefinition { Type = type, Capacity = bytes };
        MapFigures figures = MapSizes.Of(definition);
        long before = _group.Kernel.CurrentBytes;
        using (GroupMap ring = GroupMap.Create(_group, definition))
        {
            Assert.Equal(figures.ChargedBytes, ring.ChargedBytes);
            Assert.Equal(figures.MaxBytes, ring.MaxBytes);
            Assert.Equal(before + ring.ChargedBytes, _group.Kernel.CurrentBytes);
            if (OperatingSystem.IsLinux() && Environment.SystemPageSize == 4096)
            {
                Assert.Equal(bytes + (3 * 4096), ring.ChargedBytes);
            }
        }

        Assert.Equal(before, _group.Kernel.CurrentBytes);
    }

    [Fact]
    public void A_ring_that_a_limit_refuses_leaves_nothing_behind()
    {
        MemoryGroup small = _group.CreateChild("small", new MemoryGroupOptions { MaxBytes = 16383 });
        var definition = new MapDefinition { Type = MapType.RingBuffer, Capacity = 4096 };
        Assert.Throws<MemoryLimitExceededException>(() => GroupMap.Create(small, definition));
        Assert.Equal(0, small.Memory.CurrentBytes);
    }

    private RingReservation Reserve(int bytes) =>
        _ring.TryReserve(bytes, out RingReservation reservation) ? reservation : throw new InvalidOperationException();

    private List<byte> ReadAll()
    {
        List<byte> all = [];
        _ring.Consume(
            static (record, all) =>
            {
                all.Add(record[0]);
                return true;
            },
            all);
        return all;
    }

    private T Create<T>(MapType type, long bytes)
        where T : GroupMap =>
        (T)GroupMap.Create(_group, new MapDefinition { Name = "ring", Type = type, Capacity = bytes });
}
