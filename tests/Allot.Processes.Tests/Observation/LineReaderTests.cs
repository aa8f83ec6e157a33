using System.Text;
using Allot.Processes.Observation;

namespace Allot.Processes.Tests.Observation;

public sealed class LineReaderTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("one\n", "one")]
    [InlineData("one", "one")]
    [InlineData("one\n\nthree\n", "one||three")]
    [InlineData("0123456789abcdef\nnext\n", "0123456789|next")]              // longer than the buffer: cut
    [InlineData("0123456789abcdefghijklmnopqrstuvwxyz\nnext", "0123456789|next")]
    [InlineData("012345678\n012345678\n", "012345678|012345678")]              // exactly the buffer
    [InlineData("0123456789\nab\n", "0123456789|ab")]
    public void Lines_through_a_buffer_of_ten_bytes(string text, string expected)
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, text);
            int file = ProcFiles.Open(Encoding.UTF8.GetBytes(path + '\0'));
            var lines = new List<string>();
            var reader = new LineReader(file, new byte[10]);
            while (reader.TryRead(out ReadOnlySpan<byte> line)) lines.Add(Encoding.UTF8.GetString(line));
            ProcFiles.Close(file);
            Assert.Equal(expected, string.Join('|', lines));
            Assert.Equal(0, reader.Error);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void An_unreadable_descriptor_is_an_error_and_no_line()
    {
        var reader = new LineReader(-1, new byte[10]);
        Assert.False(reader.TryRead(out _));
        Assert.True(reader.Error < 0);
    }
}
