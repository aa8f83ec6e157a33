using Allot.Maps;

namespace Allot.Tests.Maps;

public sealed unsafe class PerfEventArrayTests
{
    private readonly MemoryGroup _group = new MemoryController().Root.CreateChild("tenant");

    [Fact]
    public void What_is_written_for_an_index_is_read_there()
    {
        using (PerfEventArray array = Create())
        {
            Assert.Equal(-2, array.Output(1, [1]));
            PerfReader reader = array.Open(1, 4096);
            Assert.Equal(0, array.Output(1, [7]));
            Assert.Equal(-2, array.Output(0, [1]));
            Assert.Equal(-7, array.Output(4, [1]));
            Assert.True(reader.TryRead(out RingRecord record));
            using (record) Assert.Equal(7, record.Bytes[0]);
            Assert.False(reader.TryRead(out _));
            Assert.Equal(1, array.Count);
        }

        Assert.Equal(0, _group.Memory.CurrentBytes);
    }

    [Fact]
    public void What_finds_no_room_is_lost_and_counted()
    {
        using PerfEventArray array = Create();
        PerfReader reader = array.Open(0, 4096);
        int written = 0;
        while (array.Output(0, new byte[100]) == 0) written++;
        Assert.Equal(4095 / 112, written);
        Assert.Equal(-28, array.Output(0, new byte[100]));
        Assert.Equal(2, reader.LostCount);
    }

    [Fact]
    public void Rings_are_charged_to_the_group_of_the_map_until_they_are_closed()
    {
        PerfEventArray array = Create();
        long empty = array.ChargedBytes;
        PerfReader reader = array.Open(0, 8192);
        Assert.Equal(empty + (long)RecordRing.BytesOf(8192), array.ChargedBytes);
        array.Open(0, 4096);
        Assert.Equal(empty + (long)RecordRing.BytesOf(4096), array.ChargedBytes);
        Assert.Throws<ObjectDisposedException>(() => reader.TryRead(out _));
        int key = 0;
        Assert.Equal(0, array.Remove((byte*)&key));
        Assert.Equal(-2, array.Remove((byte*)&key));
        Assert.Equal(empty, array.ChargedBytes);
        array.Open(3, 4096);
        array.Dispose();
        Assert.Equal(0, _group.Memory.CurrentBytes);
        Assert.Throws<ObjectDisposedException>(() => array.Open(0, 4096));
    }

    [Fact]
    public void A_record_that_is_being_read_keeps_its_ring_and_its_charge()
    {
        PerfEventArray array = Create();
        PerfReader reader = array.Open(0, 4096);
        array.Output(0, [9]);
        Assert.True(reader.TryRead(out RingRecord record));
        array.Dispose();
        Assert.Equal(9, record.Bytes[0]);
        Assert.True(_group.Kernel.CurrentBytes > 4096);
        record.Dispose();
        Assert.Equal(0, _group.Memory.CurrentBytes);
    }

    [Fact]
    public void The_host_reads_through_readers_only()
    {
        using PerfEventArray array = Create();
        ulong number = 0;
        var bytes = (byte*)&number;
        Assert.Equal(-524, array.Read(bytes, bytes));
        Assert.Equal(-9, array.Write(bytes, bytes));
        Assert.Equal(-22, array.Write(bytes, bytes, 1));
        Assert.Equal(-2, array.Remove(bytes));
        Assert.Equal(0, array.NextKey(null, bytes));
        Assert.Equal(0u, number);
        number = 3;
        Assert.Equal(-2, array.NextKey(bytes, bytes));
        number = 4;
        Assert.Equal(-7, array.Write(bytes, bytes));
        Assert.Throws<ArgumentOutOfRangeException>(() => array.Open(0, 5000));
        Assert.Throws<ArgumentOutOfRangeException>(() => array.Open(4, 4096));
    }

    private PerfEventArray Create() => (PerfEventArray)GroupMap.Create(
        _group, new MapDefinition { Type = MapType.PerfEventArray, KeyBytes = 4, ValueBytes = 4, Capacity = 4 });
}
