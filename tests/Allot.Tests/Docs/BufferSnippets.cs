using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;

namespace Allot.Tests.Docs;

/// <summary>The code blocks of the guide to buffers, compiled and run.</summary>
public sealed class BufferSnippets
{
    private readonly MemoryGroup _acme = new MemoryController().Root.CreateChild("acme", new() { MaxBytes = 1 << 20 });

    [Fact]
    public void Pools()
    {
        MemoryGroup acme = _acme;

        #region buffers-pool
        using var pool = new GroupMemoryPool(acme);
        using IMemoryOwner<byte> buffer = pool.Rent(10_000);   // 10,240 bytes, and so many are charged
        var pipe = new Pipe(new PipeOptions(pool));            // what waits in the pipe is charged to 'acme'
        #endregion

        #region buffers-ambient
        using (acme.Enter())
        {
            using IMemoryOwner<byte> own = GroupMemoryPool.Ambient.Rent(10_000);   // charged to 'acme'
        }
        #endregion

        Assert.Equal(10_240, acme.Memory.CurrentBytes);
        pipe.Writer.Complete();
        pipe.Reader.Complete();
    }

    [Fact]
    public void Writers_streams_and_arrays()
    {
        MemoryGroup acme = _acme;
        string[] answer = ["yes"];
        Stream socket = Stream.Null;

        #region buffers-writer
        using var writer = new GroupBufferWriter(acme);
        using (var json = new Utf8JsonWriter(writer)) JsonSerializer.Serialize(json, answer);
        writer.CopyTo(socket);                                 // or take writer.Written, a ReadOnlySequence<byte>
        #endregion

        #region buffers-stream
        using var upload = new GroupMemoryStream(acme);
        try
        {
            socket.CopyTo(upload);
        }
        catch (MemoryLimitExceededException refused)
        {
            Console.Error.WriteLine(refused.Message);          // what came before is still in the stream
        }
        #endregion

        #region buffers-array
        using var samples = new GroupArray<double>(acme, length: 1000);
        samples[0] = 1.5;
        samples.Resize(2000);                                  // refused, it is as it was
        Span<double> last = samples.AsSpan(1990, 10);
        #endregion

        Assert.Equal((1.5, 10), (samples[0], last.Length));
    }
}
