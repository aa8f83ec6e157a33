namespace Allot.Tests;

public sealed class GroupNameTests
{
    private readonly MemoryGroup _root = new MemoryController().Root;

    [Theory]
    [InlineData("a")]
    [InlineData("tenant 7")]
    [InlineData("...")]
    [InlineData(".hidden")]
    [InlineData("acme.example")]
    [InlineData("größe-日本")]
    [InlineData("\\")]
    public void What_a_directory_may_be_called_is_a_name(string name)
    {
        MemoryGroup group = _root.CreateChild(name);
        Assert.Equal(name, group.Name);
        Assert.Equal("/" + name, group.Path);
    }

    [Theory]
    [InlineData("a/b", "position 1")]
    [InlineData("/", "position 0")]
    [InlineData("a\nb", "position 1")]
    [InlineData("\0", "position 0")]
    [InlineData("ab\u007f", "position 2")]
    [InlineData("a\u0085", "position 1")]      // next line: a control character above ASCII
    [InlineData("\u009b31m", "position 0")]    // the other way to start a terminal's escape sequence
    [InlineData(".", "'.' is not")]
    [InlineData("..", "'..' is not")]
    [InlineData("", "")]
    public void Anything_else_is_refused_with_the_place(string name, string message)
    {
        ArgumentException exception = Assert.ThrowsAny<ArgumentException>(() => _root.CreateChild(name));
        Assert.Contains(message, exception.Message);
        Assert.Equal("name", exception.ParamName);
        Assert.Empty(_root.Children);
    }

    [Fact]
    public void Null_is_refused() => Assert.Throws<ArgumentNullException>(() => _root.CreateChild(null!));

    [Fact]
    public void The_longest_name_has_255_characters()
    {
        _root.CreateChild(new string('x', 255));
        ArgumentException exception =
            Assert.Throws<ArgumentException>(() => _root.CreateChild(new string('x', 256)));
        Assert.Contains("at most 255 characters; this one has 256", exception.Message);
    }
}
