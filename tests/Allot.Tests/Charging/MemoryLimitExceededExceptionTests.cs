namespace Allot.Tests;

public sealed class MemoryLimitExceededExceptionTests
{
    [Fact]
    public void The_message_is_the_refusals_text()
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("a", new() { MaxBytes = 10 });
        var exception = Assert.Throws<MemoryLimitExceededException>(() => group.Charge(MemoryKind.User, 11));
        Assert.Equal(exception.Refusal.ToString(), exception.Message);
        Assert.Equal(11, exception.Refusal.RequestedBytes);
    }

    [Fact]
    public void Code_that_expects_a_shortage_of_memory_catches_it() =>
        Assert.IsAssignableFrom<OutOfMemoryException>(new MemoryLimitExceededException(default));
}
