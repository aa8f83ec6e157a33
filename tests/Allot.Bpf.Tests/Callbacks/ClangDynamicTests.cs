using Allot.Bpf.Tests.Support;
using Allot.Maps;

namespace Allot.Bpf.Tests.Callbacks;

/// <summary>Dynamic pointers in C, in both engines.</summary>
public sealed class ClangDynamicTests
{
    [Fact]
    public void A_record_has_the_length_that_the_run_says() => Each("prog/record", run =>
    {
        var ring = run.Maps.OfType<RingBuffer>().Single();
        Assert.Equal(0ul, run.Run([16, 8, 5, 0]));
        Assert.True(ring.TryRead(out RingRecord record));
        using (record)
        {
            Assert.Equal(16, record.Bytes.Length);
            Assert.Equal(5, record.Bytes[0]);
            Assert.Equal(0x1122334455667788ul, BitConverter.ToUInt64(record.Bytes[8..]));
        }

        Assert.Equal(-7, (long)run.Run([16, 9, 5, 1]));   // E2BIG, and discarded
        Assert.False(ring.TryRead(out _));
        Assert.Equal(0, ring.AvailableBytes);
        Assert.Equal(-7, (long)run.Run([3, 0, 5, 0]));
        Assert.True(ring.TryRead(out record));
        using (record) Assert.Equal([0, 0, 0], record.Bytes.ToArray());
        while (run.Run([200, 0, 5, 0]) == 0)
        {
        }

        Assert.Equal(-22, (long)run.Run([200, 0, 5, 0]));   // no room
    });

    [Fact]
    public void A_part_of_a_value() => Each("prog/part", run =>
    {
        Assert.Equal(0x01020304ul, run.Run([8, 8, 0, 0]));
        Assert.Equal(0x00010203ul, run.Run([20, 21, 0, 0]));
        Assert.Equal(0x01020304ul, run.Run([60, 60, 0, 0]));
        Assert.Equal(-7, (long)run.Run([61, 0, 0, 0]));
        Assert.Equal(-7, (long)run.Run([0, 255, 0, 0]));
    });

    [Fact]
    public void Records_from_the_host() => Each("prog/drain", run =>
    {
        var ring = run.Maps.OfType<UserRingBuffer>().Single();
        Assert.Equal(0ul, run.Run([]));
        Assert.True(ring.TryWrite([1, 0, 0, 0, 0, 0, 0, 0, 10]));
        Assert.True(ring.TryWrite([2, 0, 0, 0, 0, 0, 0, 0]));
        Assert.Equal(13ul * 10000 + 202, run.Run([]));
        Assert.Equal(0, ring.AvailableBytes);
        Assert.True(ring.TryWrite([3]));   // too short: the function ends the drain there
        Assert.True(ring.TryWrite([4, 0, 0, 0, 0, 0, 0, 0]));
        Assert.Equal(1ul, run.Run([]));
        Assert.Equal(40101ul, run.Run([]));
        Assert.True(ring.TryWrite([]));
        Assert.Equal(1ul, run.Run([]));
    });

    private static void Each(string section, Action<ObjectRun> test)
    {
        foreach (string cpu in (string[])["v1", "v2", "v3"])
        {
            foreach (BpfEngine engine in Engines.All)
            {
                using var run = new ObjectRun(BpfObject.Read(Clang.Compile("dynamic", cpu)), engine, section);
                test(run);
            }
        }
    }
}
