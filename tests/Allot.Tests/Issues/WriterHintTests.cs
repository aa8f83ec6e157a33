namespace Allot.Tests.Issues;

/// <summary>Who asks a writer for more room than it has just got, and has written nothing, gives the first back.
/// </summary>
public sealed class WriterHintTests
{
    [Fact]
    public void Room_that_nobody_has_written_to_is_not_kept_beside_larger_room()
    {
        const int LargestHint = 2 << 20, Step = 64 << 10;
        MemoryGroup root = new MemoryController().Root;
        using var writer = new GroupBufferWriter(root);
        for (int hint = Step; hint <= LargestHint; hint += Step) _ = writer.GetSpan(hint);
        Assert.Equal(0, writer.WrittenBytes);
        Assert.InRange(writer.ChargedBytes, LargestHint, 2 * LargestHint);
    }
}
