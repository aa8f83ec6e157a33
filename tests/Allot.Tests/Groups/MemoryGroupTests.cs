namespace Allot.Tests;

public sealed class MemoryGroupTests
{
    [Fact]
    public void A_child_knows_its_place()
    {
        var tree = new TreeOfThree();
        Assert.Equal("b", tree.Leaf.Name);
        Assert.Equal("/a/b", tree.Leaf.Path);
        Assert.Same(tree.Middle, tree.Leaf.Parent);
        Assert.Equal([tree.Leaf], tree.Middle.Children);
        Assert.Equal(MemoryGroupState.Online, tree.Leaf.State);
        Assert.Equal("/a/b", tree.Leaf.ToString());
    }

    [Fact]
    public void A_child_starts_with_the_limits_it_is_given_and_nothing_used()
    {
        MemoryGroup group = new MemoryController().Root.CreateChild(
            "a", new() { MaxBytes = 3, KernelMaxBytes = 2, PinsMaxBytes = 1 });
        Assert.Equal((3, 2, 1), (group.Memory.MaxBytes, group.Kernel.MaxBytes, group.Pins.MaxBytes));
        Assert.Equal(default, group.ReadStat());
        Assert.Equal(default, group.ReadEvents());
    }

    [Fact]
    public void Two_children_of_one_name_are_refused()
    {
        var tree = new TreeOfThree();
        string message = Assert.Throws<InvalidOperationException>(() => tree.Middle.CreateChild("b")).Message;
        Assert.Contains("'b'", message);
        Assert.Contains("'/a'", message);
        Assert.Equal([tree.Leaf], tree.Middle.Children);
    }

    [Fact]
    public void The_same_name_below_two_parents_is_two_groups()
    {
        var tree = new TreeOfThree();
        MemoryGroup other = tree.Root.CreateChild("b");
        Assert.NotSame(tree.Leaf, other);
    }

    [Fact]
    public void A_removed_group_takes_no_children()
    {
        var tree = new TreeOfThree();
        tree.Leaf.Remove();
        string message = Assert.Throws<InvalidOperationException>(() => tree.Leaf.CreateChild("c")).Message;
        Assert.Contains("'/a/b'", message);
        Assert.Contains("removed", message);
    }

    [Fact]
    public void The_root_cannot_be_removed() =>
        Assert.Throws<InvalidOperationException>(() => new MemoryController().Root.Remove());

    [Fact]
    public void A_group_with_children_cannot_be_removed()
    {
        var tree = new TreeOfThree();
        string message = Assert.Throws<InvalidOperationException>(tree.Middle.Remove).Message;
        Assert.Contains("1 children", message);
        Assert.Equal(MemoryGroupState.Online, tree.Middle.State);
        tree.Leaf.Remove();
        tree.Middle.Remove();
        Assert.Empty(tree.Root.Children);
    }

    [Fact]
    public void Removing_again_does_nothing_also_when_the_name_has_a_new_owner()
    {
        var tree = new TreeOfThree();
        tree.Leaf.Remove();
        MemoryGroup successor = tree.Middle.CreateChild("b");
        tree.Leaf.Remove();
        Assert.Equal([successor], tree.Middle.Children);
        Assert.Equal(MemoryGroupState.Online, successor.State);
    }

    [Fact]
    public void A_removed_group_keeps_its_name_its_path_and_its_parent()
    {
        var tree = new TreeOfThree();
        tree.Leaf.Remove();
        Assert.Equal(MemoryGroupState.Offline, tree.Leaf.State);
        Assert.Equal("/a/b", tree.Leaf.Path);
        Assert.Same(tree.Middle, tree.Leaf.Parent);
        Assert.Equal("/a/b (removed)", tree.Leaf.ToString());
        Assert.Empty(tree.Leaf.Children);
    }

    [Fact]
    public void The_children_are_a_snapshot()
    {
        var tree = new TreeOfThree();
        IReadOnlyList<MemoryGroup> before = tree.Middle.Children;
        tree.Middle.CreateChild("c");
        Assert.Single(before);
        Assert.Equal(2, tree.Middle.Children.Count);
    }

    [Fact]
    public void A_deep_tree_charges_every_level()
    {
        MemoryGroup group = new MemoryController().Root;
        var levels = new List<MemoryGroup> { group };
        for (int depth = 0; depth < 200; depth++) levels.Add(group = group.CreateChild("d"));
        group.Charge(MemoryKind.User, 3);
        Assert.All(levels, level => Assert.Equal(3, level.Memory.CurrentBytes));
        Assert.Equal(400, group.Path.Length);
    }
}
