using System.Buffers;
using System.Text.Json;
using Allot.Testing;

namespace Allot.Tests.Buffers;

public sealed class GroupBufferWriterTests
{
    private readonly MemoryGroup _group = new MemoryController().Root.CreateChild("g");

    public static TheoryData<ulong> Seeds => [1, 2, 3, 4, 5, 6];

    [Fact]
    public void It_charges_nothing_before_the_first_write_and_all_of_it_comes_back()
    {
        using (var writer = new GroupBufferWriter(_group))
        {
            Assert.Equal((0L, 0L), (writer.ChargedBytes, _group.Memory.CurrentBytes));
            Assert.True(writer.Written.IsEmpty);
            writer.Write<byte>([1, 2, 3]);
            Assert.Equal(3, writer.WrittenBytes);
            Assert.Equal((256L, 256L), (writer.ChargedBytes, _group.Memory.CurrentBytes));
            writer.Clear();
            Assert.Equal((0L, 0L, 0L), (writer.WrittenBytes, writer.ChargedBytes, _group.Memory.CurrentBytes));
            writer.Write<byte>([4]);
            Assert.Equal([4], writer.Written.ToArray());
        }

        Assert.Equal(0, _group.Memory.CurrentBytes);
    }

    [Fact]
    public void With_zeros_in_the_options_what_is_new_is_zeros()
    {
        var zeros = new GroupBufferOptions { Flags = AllocationFlags.Kernel | AllocationFlags.Zero };
        for (int turn = 0; turn < 3; turn++)
        {
            using var writer = new GroupBufferWriter(_group, zeros);
            for (int bytes = 1; bytes < 100_000; bytes *= 3)
            {
                Span<byte> room = writer.GetSpan(bytes);
                Assert.Equal(-1, room.IndexOfAnyExcept((byte)0));
                room.Fill(1);
                writer.Advance(room.Length);
            }
        }
    }

    [Theory, MemberData(nameof(Seeds))]
    public void It_agrees_with_an_array_writer_and_a_refusal_changes_nothing(ulong seed)
    {
        var random = new Prng(seed);
        using var writer = new GroupBufferWriter(_group);
        var model = new ArrayBufferWriter<byte>();
        int refusals = 0;
        for (int step = 0; step < 400; step++)
        {
            int hint = random.OneIn(20) ? random.Below(50_000) : random.Below(300);
            _group.Memory.MaxBytes = random.OneIn(4) ? _group.Memory.CurrentBytes : MemoryGroup.Unlimited;
            long charged = writer.ChargedBytes;
            Span<byte> span;
            try
            {
                span = random.OneIn(2) ? writer.GetSpan(hint) : writer.GetMemory(hint).Span;
            }
            catch (MemoryLimitExceededException)
            {
                refusals++;
                Assert.Equal((charged, charged), (writer.ChargedBytes, _group.Memory.CurrentBytes));
                AssertSame(model, writer);
                continue;
            }

            Assert.True(span.Length >= Math.Max(1, hint), "There is as much room as was asked for.");
            int count = random.Below(Math.Min(span.Length, hint + 1) + 1);
            for (int i = 0; i < count; i++) span[i] = (byte)random.Next();
            model.Write(span[..count]);
            writer.Advance(count);
            if (random.OneIn(100))
            {
                writer.Clear();
                model.Clear();
            }

            Assert.Equal(writer.ChargedBytes, _group.Memory.CurrentBytes);
            if (step % 10 == 0) AssertSame(model, writer);
        }

        Assert.True(refusals > 0, "Refusals happen.");
        AssertSame(model, writer);
        writer.Dispose();
        Assert.Equal(0, _group.Memory.CurrentBytes);
    }

    [Fact]
    public void Where_there_is_no_room_for_twice_as_much_there_is_for_what_is_asked()
    {
        using var writer = new GroupBufferWriter(_group);
        writer.Write(new byte[8192]);
        _group.Memory.MaxBytes = writer.ChargedBytes + 1024;
        writer.Write(new byte[1000]);
        Assert.Equal(9192, writer.WrittenBytes);
        Assert.Throws<MemoryLimitExceededException>(() => writer.Write(new byte[1000]));
    }

    [Fact]
    public void Json_is_written_to_it()
    {
        using var writer = new GroupBufferWriter(_group);
        using (var json = new Utf8JsonWriter(writer))
        {
            JsonSerializer.Serialize(json, Enumerable.Range(0, 20_000));
        }

        var reader = new Utf8JsonReader(writer.Written);
        Assert.Equal(Enumerable.Range(0, 20_000), JsonSerializer.Deserialize<int[]>(ref reader)!);
        using var copy = new MemoryStream();
        writer.CopyTo(copy);
        Assert.Equal(copy.ToArray(), writer.Written.ToArray());
        Assert.InRange(writer.ChargedBytes, writer.WrittenBytes, (2 * writer.WrittenBytes) + 4096);
    }

    [Fact]
    public void Wrong_calls_are_found()
    {
        var writer = new GroupBufferWriter(_group);
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.Advance(1));
        writer.Advance(0);
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.GetMemory(-1));
        int room = writer.GetSpan(10).Length;
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.Advance(room + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.Advance(-1));
        writer.Advance(room);
        Memory<byte> stale = writer.GetMemory(10);
        ReadOnlySequence<byte> written = writer.Written;
        writer.Dispose();
        writer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => stale.Span.Length);
        Assert.Throws<ObjectDisposedException>(() => written.ToArray());
        Assert.Throws<ObjectDisposedException>(() => writer.GetSpan().Length);
        Assert.Throws<ObjectDisposedException>(() => writer.Advance(0));
        Assert.Throws<ObjectDisposedException>(() => writer.Written);
        Assert.Throws<ObjectDisposedException>(writer.Clear);
        Assert.Throws<ArgumentNullException>(() => new GroupBufferWriter(null!));
        Assert.Equal(0, _group.Memory.CurrentBytes);
    }

    private static void AssertSame(ArrayBufferWriter<byte> model, GroupBufferWriter writer)
    {
        Assert.Equal(model.WrittenCount, writer.WrittenBytes);
        Assert.True(model.WrittenSpan.SequenceEqual(writer.Written.ToArray()), "The same bytes in the same order.");
    }
}
