using Allot.Tests.Reclaim;

namespace Allot.Tests.Issues;

/// <summary>Where a buffer grows and its group is full, reclaimers are asked, and one of them may give back that very
/// buffer: what it does is done, and who grows notices. Nothing is leaked, read beyond its end, or tried for ever.
/// </summary>
public sealed class GrowingWhileReclaimedTests
{
    private const int MaxBytes = 1 << 20, HalfBytes = 700_000, LargerBytes = 900_000;

    private readonly MemoryGroup _root = new MemoryController().Root;
    private readonly MemoryGroup _group;

    public GrowingWhileReclaimedTests() => _group = _root.CreateChild("a", new() { MaxBytes = MaxBytes });

    [Fact]
    public void An_array_that_is_disposed_meanwhile_is_disposed()
    {
        using var array = new GroupArray<byte>(_group, HalfBytes);
        using TestCache reclaimer = Reclaimer(array.Dispose);
        Assert.Throws<ObjectDisposedException>(() => array.Resize(LargerBytes));
        Assert.NotEmpty(reclaimer.Asked);
        Assert.Equal(0, array.Length);
        Assert.Equal(0, ChargedBytes);
    }

    [Fact]
    public void An_array_that_is_shortened_meanwhile_has_zeros_behind_that()
    {
        using var array = new GroupArray<byte>(_group, HalfBytes);
        array.AsSpan().Fill(7);
        using TestCache reclaimer = Reclaimer(() => array.Resize(10));
        array.Resize(LargerBytes);
        Assert.NotEmpty(reclaimer.Asked);
        Assert.Equal(LargerBytes, array.Length);
        Assert.Equal(10, array.AsSpan().IndexOfAnyExcept((byte)7));
        Assert.Equal(-1, array.AsSpan(10, LargerBytes - 10).IndexOfAnyExcept((byte)0));
        Assert.Equal(array.ChargedBytes, ChargedBytes);
    }

    [Fact]
    public void A_stream_that_is_disposed_meanwhile_is_disposed()
    {
        using var stream = new GroupMemoryStream(_group);
        stream.Write(new byte[HalfBytes]);
        using TestCache reclaimer = Reclaimer(stream.Dispose);
        Assert.Throws<ObjectDisposedException>(() => stream.Write(new byte[HalfBytes]));
        Assert.NotEmpty(reclaimer.Asked);
        Assert.Equal(0, stream.ChargedBytes);
        Assert.Equal(0, ChargedBytes);
    }

    [Theory]
    [InlineData("shorten"), InlineData("write"), InlineData("move")]
    public void A_stream_in_the_middle_of_a_write_is_as_the_write_needs_it(string meanwhile)
    {
        using var stream = new GroupMemoryStream(_group);
        stream.Write(new byte[HalfBytes]);
        using TestCache reclaimer = Reclaimer(() =>
        {
            if (meanwhile == "move") stream.Position = 0;
            else if (meanwhile == "write") stream.WriteByte(1);
            else stream.SetLength(0);
        });
        Assert.Throws<MemoryLimitExceededException>(() => stream.Write(new byte[HalfBytes]));
        Assert.NotEmpty(reclaimer.Asked);
        Assert.Equal(HalfBytes, stream.Length);
        Assert.Equal(stream.ChargedBytes, ChargedBytes);
    }

    [Fact]
    public void A_stream_that_is_moved_meanwhile_is_written_to_where_it_was()
    {
        using var other = new GroupArray<byte>(_group, HalfBytes);
        using var stream = new GroupMemoryStream(_group);
        stream.WriteByte(1);
        using TestCache reclaimer = Reclaimer(() =>
        {
            stream.Position = 1L << 40;
            other.Dispose();
        });
        stream.Write(new byte[HalfBytes]);
        Assert.NotEmpty(reclaimer.Asked);
        Assert.Equal(1 + HalfBytes, stream.Length);
        Assert.Equal(1 + HalfBytes, stream.Position);
    }

    [Fact]
    public void A_writer_that_is_disposed_meanwhile_is_disposed()
    {
        using var writer = new GroupBufferWriter(_group);
        _ = writer.GetSpan(HalfBytes);
        writer.Advance(HalfBytes);
        using TestCache reclaimer = Reclaimer(writer.Dispose);
        Assert.Throws<ObjectDisposedException>(() => _ = writer.GetSpan(HalfBytes));
        Assert.NotEmpty(reclaimer.Asked);
        Assert.Equal(0, writer.ChargedBytes);
        Assert.Equal(0, ChargedBytes);
    }

    [Fact]
    public void A_writer_that_is_cleared_meanwhile_is_empty_and_has_the_room()
    {
        using var writer = new GroupBufferWriter(_group);
        _ = writer.GetSpan(HalfBytes);
        writer.Advance(HalfBytes);
        using TestCache reclaimer = Reclaimer(writer.Clear);
        Assert.InRange(writer.GetSpan(HalfBytes).Length, HalfBytes, int.MaxValue);
        Assert.NotEmpty(reclaimer.Asked);
        Assert.Equal(0, writer.WrittenBytes);
        Assert.Equal(writer.ChargedBytes, ChargedBytes);
    }

    // But for what the reclaimer says that it has.
    private long ChargedBytes => _root.Memory.CurrentBytes - 1;

    // Does something each time that it is asked, and says truly what that has given back.
    private TestCache Reclaimer(Action action)
    {
        var made = new TestCache(_group);
        made.Fill(1);
        made.Instead = (group, _) =>
        {
            long before = group.Memory.CurrentBytes;
            action();
            return before - group.Memory.CurrentBytes;
        };
        return made;
    }
}
