using System.Buffers;
using System.IO.Compression;
using Allot.Testing;

namespace Allot.Tests.Buffers;

public sealed class GroupMemoryStreamTests
{
    private readonly MemoryGroup _group = new MemoryController().Root.CreateChild("g");

    public static TheoryData<ulong> Seeds => [1, 2, 3, 4, 5, 6, 7, 8];

    /// <summary>Random calls on it and on a <see cref="MemoryStream"/>: the same results; and a refusal changes nothing.
    /// </summary>
    [Theory, MemberData(nameof(Seeds))]
    public void It_agrees_with_a_memory_stream_and_a_refusal_changes_nothing(ulong seed)
    {
        var random = new Prng(seed);
        using var stream = new GroupMemoryStream(_group);
        using var model = new MemoryStream();
        int refusals = 0;
        for (int step = 0; step < 600; step++)
        {
            _group.Memory.MaxBytes = random.OneIn(4) ? _group.Memory.CurrentBytes : MemoryGroup.Unlimited;
            long charged = stream.ChargedBytes;
            Action<Stream> call = Call(random, model);
            try
            {
                call(stream);
                call(model);
            }
            catch (MemoryLimitExceededException)
            {
                refusals++;
                Assert.Equal(charged, stream.ChargedBytes);
            }

            Assert.Equal((model.Position, model.Length), (stream.Position, stream.Length));
            Assert.Equal(stream.ChargedBytes, _group.Memory.CurrentBytes);
            if (step % 10 == 0) Assert.True(model.ToArray().AsSpan().SequenceEqual(stream.ToSequence().ToArray()), "Same.");
        }

        Assert.True(refusals > 0, "Refusals happen.");
        Assert.Equal(model.ToArray(), stream.ToSequence().ToArray());
        stream.Dispose();
        Assert.Equal(0, _group.Memory.CurrentBytes);
    }

    // What it reads is compared by writing it where it can be seen: the position and the next calls.
    private static Action<Stream> Call(Prng random, MemoryStream model)
    {
        int many = random.OneIn(10) ? random.Below(100_000) : random.Below(500);
        long at = random.Below((int)Math.Min(model.Length + 1000, int.MaxValue));
        byte[] data = new byte[many];
        for (int i = 0; i < many; i += 7) data[i] = (byte)random.Next();
        switch (random.Below(9))
        {
            case 0: return stream => stream.Position = at;
            case 1: return stream => stream.Seek(-Math.Min(many, stream.Length), SeekOrigin.End);
            case 2: return stream => stream.SetLength(at);
            case 3: return stream => stream.WriteByte((byte)many);
            case 4:
                int expected = model.Position < model.Length ? model.GetBuffer()[model.Position] : -1;
                return stream => Assert.Equal(expected, stream.ReadByte());
            case 5:
                byte[] wanted = model.ToArray().AsSpan((int)Math.Min(model.Position, model.Length)).ToArray();
                return stream =>
                {
                    byte[] read = new byte[many];
                    int count = stream.Read(read, 0, many);
                    Assert.Equal(Math.Min(many, wanted.Length), count);
                    Assert.True(read.AsSpan(0, count).SequenceEqual(wanted.AsSpan(0, count)), "The same bytes.");
                };
            default: return stream => stream.Write(data, 0, data.Length);
        }
    }

    [Fact]
    public void It_grows_without_copies_and_shrinks_with_its_charge()
    {
        using var stream = new GroupMemoryStream(_group, MemoryKind.Kernel);
        byte[] data = new byte[3_000_000];
        stream.Write(data);
        Assert.InRange(stream.ChargedBytes, data.Length, data.Length * 11 / 10);
        Assert.Equal(stream.ChargedBytes, _group.Kernel.CurrentBytes);
        Assert.InRange(_group.Kernel.PeakBytes, stream.ChargedBytes, stream.ChargedBytes);
        stream.SetLength(1000);
        Assert.InRange(stream.ChargedBytes, 1000, 300_000);
        stream.SetLength(0);
        Assert.Equal((0L, 0L), (stream.ChargedBytes, _group.Memory.CurrentBytes));
    }

    [Fact]
    public async Task What_is_compressed_into_it_is_what_comes_out()
    {
        CancellationToken stop = TestContext.Current.CancellationToken;
        var random = new Prng(7);
        byte[] data = [.. Enumerable.Range(0, 300_000).Select(_ => (byte)random.Below(12))];
        using var stream = new GroupMemoryStream(_group);
        await using (var zipped = new GZipStream(stream, CompressionLevel.Fastest, leaveOpen: true))
        {
            await zipped.WriteAsync(data, stop);
        }

        stream.Position = 0;
        using var copy = new GroupMemoryStream(_group);
        await stream.CopyToAsync(copy, stop);
        copy.Position = 0;
        using var unzipped = new GroupMemoryStream(_group);
        await using (var reader = new GZipStream(copy, CompressionMode.Decompress, leaveOpen: true))
        {
            await reader.CopyToAsync(unzipped, stop);
        }

        Assert.Equal(data, unzipped.ToSequence().ToArray());
        long charged = stream.ChargedBytes + copy.ChargedBytes + unzipped.ChargedBytes;
        Assert.Equal(charged, _group.Memory.CurrentBytes);
    }

    [Fact]
    public async Task Calls_that_are_cancelled_do_nothing()
    {
        using var stream = new GroupMemoryStream(_group);
        var cancelled = new CancellationToken(canceled: true);
        await Assert.ThrowsAsync<TaskCanceledException>(async () => await stream.WriteAsync(new byte[5], cancelled));
        await Assert.ThrowsAsync<TaskCanceledException>(async () => await stream.ReadExactlyAsync(new byte[5], cancelled));
        await Assert.ThrowsAsync<TaskCanceledException>(() => stream.FlushAsync(cancelled));
        Assert.Equal(0, stream.Length);
    }

    [Fact]
    public async Task A_refusal_comes_with_the_task()
    {
        _group.Memory.MaxBytes = 100;
        using var stream = new GroupMemoryStream(_group);
        ValueTask write = stream.WriteAsync(new byte[101], TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<MemoryLimitExceededException>(() => write.AsTask());
        stream.Dispose();
        ValueTask<int> read = stream.ReadAsync(new byte[1], TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => read.AsTask());
    }

    [Fact]
    public void Of_two_threads_that_dispose_at_once_one_frees()
    {
        const int Rounds = 500;
        byte[] data = new byte[20_000];   // in several buffers
        GroupMemoryStream[] streams = [.. Enumerable.Range(0, Rounds).Select(_ => new GroupMemoryStream(_group))];
        foreach (GroupMemoryStream one in streams)
        {
            for (int i = 0; i < 10; i++) one.Write(data);
        }

        using var bothAreThere = new Barrier(2);
        Crew.Run(2, _ =>
        {
            foreach (GroupMemoryStream one in streams)
            {
                bothAreThere.SignalAndWait();
                one.Dispose();
            }
        });
        Assert.Equal(0, _group.Memory.CurrentBytes);
    }

    [Fact]
    public void Wrong_calls_are_found()
    {
        var stream = new GroupMemoryStream(_group);
        stream.Write([1, 2, 3]);
        Assert.Throws<ArgumentOutOfRangeException>(() => stream.Position = -1);
        Assert.Throws<ArgumentOutOfRangeException>(() => stream.SetLength(-1));
        Assert.Throws<IOException>(() => stream.Seek(-4, SeekOrigin.End));
        Assert.Throws<ArgumentException>(() => stream.Seek(0, (SeekOrigin)9));
        Assert.Throws<ArgumentOutOfRangeException>(() => stream.Seek(long.MaxValue, SeekOrigin.Current));
        stream.Position = long.MaxValue;
        Assert.Throws<IOException>(() => stream.WriteByte(1));
        Assert.Equal((3L, -1), (stream.Length, stream.ReadByte()));
        stream.Dispose();
        stream.Dispose();
        Assert.False(stream.CanRead || stream.CanWrite || stream.CanSeek);
        Assert.Throws<ObjectDisposedException>(() => stream.Length);
        Assert.Throws<ObjectDisposedException>(() => stream.Write([1]));
        Assert.Throws<ObjectDisposedException>(() => stream.Read(new byte[1]));
        Assert.Throws<ObjectDisposedException>(stream.Flush);
        Assert.Equal(0, _group.Memory.CurrentBytes);
    }
}
