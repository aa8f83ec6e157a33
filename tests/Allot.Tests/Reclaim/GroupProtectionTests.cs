namespace Allot.Tests.Reclaim;

public sealed class GroupProtectionTests
{
    private readonly TreeOfThree _tree = new();

    [Fact]
    public void On_a_removed_group_setting_does_nothing()
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("g");
        group.Remove();
        group.MinBytes = 5;
        group.LowBytes = 5;
        Assert.Equal(0, group.MinBytes);
        Assert.Equal(0, group.LowBytes);
    }

    [Fact]
    public void The_default_is_no_protection_and_no_soft_limit()
    {
        Assert.Equal(0, _tree.Leaf.MinBytes);
        Assert.Equal(0, _tree.Leaf.LowBytes);
        Assert.Equal(MemoryGroup.Unlimited, _tree.Leaf.HighBytes);
    }

    [Fact]
    public void What_is_set_is_read_back_and_may_be_more_than_is_there()
    {
        (_tree.Leaf.MinBytes, _tree.Leaf.LowBytes, _tree.Leaf.HighBytes) = (10, MemoryGroup.Unlimited, 30);
        Assert.Equal(
            (10, MemoryGroup.Unlimited, 30), (_tree.Leaf.MinBytes, _tree.Leaf.LowBytes, _tree.Leaf.HighBytes));
        (_tree.Leaf.MinBytes, _tree.Leaf.LowBytes, _tree.Leaf.HighBytes) = (0, 0, MemoryGroup.Unlimited);
        Assert.Equal(0, _tree.Leaf.MinBytes);
        Assert.Equal(MemoryGroup.Unlimited, _tree.Leaf.HighBytes);
    }

    [Fact]
    public void Options_set_them()
    {
        var options = new MemoryGroupOptions { MinBytes = 1, LowBytes = 2, HighBytes = 3, MaxBytes = 4 };
        MemoryGroup group = _tree.Leaf.CreateChild("c", options);
        Assert.Equal((1, 2, 3), (group.MinBytes, group.LowBytes, group.HighBytes));
        MemoryGroup root = new MemoryController(options).Root;
        Assert.Equal((1, 2, 3), (root.MinBytes, root.LowBytes, root.HighBytes));
    }

    public static TheoryData<Action<MemoryGroup>> Wrong => new(
    (Action<MemoryGroup>[])
    [
        group => group.MinBytes = -1,
        group => group.LowBytes = long.MinValue,
        group => group.HighBytes = -1,
        group => group.MinBytes = 101,   // its limit is 100
        group => group.LowBytes = 101,
        group => group.CreateChild("x", new() { MinBytes = -1 }),
        group => group.CreateChild("x", new() { LowBytes = -1 }),
        group => group.CreateChild("x", new() { HighBytes = -1 }),
        group => group.CreateChild("x", new() { MaxBytes = 10, MinBytes = 11 }),
        group => group.CreateChild("x", new() { MaxBytes = 10, LowBytes = 11 }),
        group => _ = new MemoryController(new() { MaxBytes = 10, LowBytes = 11 }),
    ]);

    [Theory, MemberData(nameof(Wrong), DisableDiscoveryEnumeration = true)]
    public void A_wrong_value_is_refused_and_changes_nothing(Action<MemoryGroup> set)
    {
        MemoryGroup group = _tree.Leaf.CreateChild("c", new() { MaxBytes = 100 });
        Assert.Throws<ArgumentOutOfRangeException>(() => set(group));
        Assert.Equal((0, 0, MemoryGroup.Unlimited), (group.MinBytes, group.LowBytes, group.HighBytes));
        Assert.Null(group.Policy);
        Assert.Empty(group.Children);
    }

    [Fact]
    public void A_removed_group_has_no_protection()
    {
        (_tree.Leaf.MinBytes, _tree.Leaf.LowBytes) = (10, 20);
        _tree.Leaf.Remove();
        Assert.Equal((0, 0), (_tree.Leaf.MinBytes, _tree.Leaf.LowBytes));
        _tree.Leaf.MinBytes = 5;   // without effect
        Assert.Empty(_tree.Middle.ChildrenWithPolicy.ToArray());
    }

    [Fact]
    public void Groups_without_protection_have_no_state_for_it()
    {
        _ = _tree.Leaf.MinBytes + _tree.Leaf.LowBytes;
        (_tree.Leaf.MinBytes, _tree.Leaf.LowBytes, _tree.Leaf.HighBytes) = (0, 0, MemoryGroup.Unlimited);
        Assert.All(_tree.Groups, group => Assert.Null(group.Policy));
    }

    [Fact]
    public void A_walk_meets_only_the_groups_that_have_a_policy()
    {
        MemoryGroup[] quiet = [.. Enumerable.Range(0, 100).Select(i => _tree.Middle.CreateChild($"q{i}"))];
        MemoryGroup protectedOne = quiet[50].CreateChild("p", new() { LowBytes = 1 });
        Assert.Equal([_tree.Middle], _tree.Root.ChildrenWithPolicy.ToArray());
        Assert.Equal([quiet[50]], _tree.Middle.ChildrenWithPolicy.ToArray());
        Assert.Equal([protectedOne], quiet[50].ChildrenWithPolicy.ToArray());
        protectedOne.Remove();
        Assert.Empty(quiet[50].ChildrenWithPolicy.ToArray());
        Assert.Equal(1, quiet.Count(group => group.Policy is not null));
    }
}
