namespace Allot.Tests;

public sealed class MemoryControllerTests
{
    [Fact]
    public void A_new_tree_has_only_its_root_without_limits()
    {
        var controller = new MemoryController();
        Assert.Empty(controller.Root.Children);
        Assert.Null(controller.Root.Parent);
        Assert.Equal("", controller.Root.Name);
        Assert.Equal("/", controller.Root.Path);
        Assert.Equal(MemoryGroup.Unlimited, controller.Root.Memory.MaxBytes);
    }

    [Fact]
    public void The_root_takes_limits_of_its_own()
    {
        var controller = new MemoryController(new() { MaxBytes = 3, KernelMaxBytes = 2, PinsMaxBytes = 1 });
        Assert.Equal(3, controller.Root.Memory.MaxBytes);
        Assert.Equal(2, controller.Root.Kernel.MaxBytes);
        Assert.Equal(1, controller.Root.Pins.MaxBytes);
        Assert.False(controller.Root.TryCharge(MemoryKind.User, 4, out _));
    }

    [Fact]
    public void A_negative_limit_of_the_root_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new MemoryController(new() { KernelMaxBytes = -1 }));

    [Fact]
    public void Groups_are_found_by_their_paths()
    {
        var tree = new TreeOfThree();
        Assert.Same(tree.Root, tree.Controller.Find("/"));
        Assert.Same(tree.Middle, tree.Controller.Find("/a"));
        Assert.Same(tree.Leaf, tree.Controller.Find("/a/b"));
        foreach (MemoryGroup group in tree.Groups) Assert.Same(group, tree.Controller.Find(group.Path));
    }

    [Theory]
    [InlineData("/b")]
    [InlineData("/a/b/c")]
    [InlineData("/A")]
    [InlineData("//")]
    [InlineData("/a/")]
    [InlineData("//a")]
    [InlineData("/a//b")]
    [InlineData("/a/../a")]
    [InlineData("/.")]
    public void There_is_no_group_at_any_other_path(string path) =>
        Assert.Null(new TreeOfThree().Controller.Find(path));

    [Theory, InlineData(""), InlineData("a"), InlineData("a/b"), InlineData(" /a")]
    public void A_path_without_its_slash_is_an_error_that_quotes_it(string path) =>
        Assert.Contains(
            $"'{path}'", Assert.Throws<ArgumentException>(() => new TreeOfThree().Controller.Find(path)).Message);

    [Fact]
    public void Null_is_no_path() =>
        Assert.Throws<ArgumentNullException>(() => new MemoryController().Find(null!));

    [Fact]
    public void A_removed_group_is_not_found_and_its_successor_is()
    {
        var tree = new TreeOfThree();
        tree.Leaf.Remove();
        Assert.Null(tree.Controller.Find("/a/b"));
        MemoryGroup successor = tree.Middle.CreateChild("b");
        Assert.Same(successor, tree.Controller.Find("/a/b"));
    }

    [Fact]
    public void Trees_are_independent()
    {
        var one = new TreeOfThree();
        var other = new TreeOfThree();
        one.Leaf.Charge(MemoryKind.User, 5);
        Assert.Equal([0, 0, 0], other.Memory);
    }
}
