namespace Allot.Tests.Regressions;

/// <summary>A reclaimer that allocates, logs, charges, closes what it stands on, throws or lies harms nobody but
/// itself.</summary>
public sealed class CallbackTests
{
    private readonly TreeOfThree _tree = new(middle: new() { MaxBytes = 1_000 });

    // Reading every file of every group allocates and takes whatever lock there is; a log does no more.
    [Fact]
    public void One_that_logs_the_whole_tree_works()
    {
        var lines = new List<string>();
        _tree.Leaf.Charge(MemoryKind.User, 900);
        using var cache = new TestReclaimer(_tree.Leaf, () => 900, target =>
        {
            foreach (MemoryGroup group in _tree.Groups)
            {
                lines.AddRange(group.Files.Names.Where(CanBeRead).Select(name => $"{name}: {group.Files.Read(name)}"));

                bool CanBeRead(string name)
                {
                    using GroupFile file = group.Files.Open(name);
                    return file.CanRead;
                }
            }

            _tree.Leaf.Uncharge(MemoryKind.User, target);
            return target;
        });
        _tree.Middle.Charge(MemoryKind.User, 200);
        Assert.Contains(lines, line => line.Contains("900", StringComparison.Ordinal));
        Assert.Equal(0, _tree.Root.ReadEvents().ReclaimErrors);
    }

    [Fact]
    public void One_that_charges_its_own_full_group_passes_the_limit_and_does_not_recurse()
    {
        int depth = 0, deepest = 0, refused = 0;
        _tree.Leaf.Charge(MemoryKind.User, 1_000);
        using var cache = new TestReclaimer(_tree.Leaf, () => 1_000, target =>
        {
            deepest = Math.Max(deepest, ++depth);
            if (!_tree.Leaf.TryCharge(MemoryKind.User, 10, out _)) refused++;
            _tree.Leaf.Charge(MemoryKind.Kernel, 10);
            _tree.Leaf.Uncharge(MemoryKind.Kernel, 10);
            Assert.Equal(0, _tree.Root.Reclaim(10));
            _tree.Leaf.Uncharge(MemoryKind.User, target);
            depth--;
            return target;
        });
        _tree.Middle.Charge(MemoryKind.User, 1);
        Assert.Equal((1, 0), (deepest, depth));
        Assert.NotEqual(0, refused);
        Assert.Equal(0, _tree.Root.ReadEvents().ReclaimErrors);
    }

    [Fact]
    public void One_that_unregisters_itself_and_all_others_is_the_last_that_is_asked()
    {
        var registered = new List<TestReclaimer>();
        MemoryGroup[] groups = [.. Enumerable.Range(0, 5).Select(i => _tree.Middle.CreateChild($"g{i}"))];
        foreach (MemoryGroup group in groups)
        {
            group.Charge(MemoryKind.User, 100);
            registered.Add(new TestReclaimer(group, () => 100, _ =>
            {
                registered.ForEach(one => one.Dispose());
                return 0;
            }));
        }

        Assert.Equal(0, _tree.Middle.Reclaim(400));
        Assert.Equal(1, registered.Sum(one => one.Asked));
        Assert.Equal(500, _tree.Middle.Memory.CurrentBytes);
    }

    [Fact]
    public void One_that_kills_its_own_group_and_the_one_that_charges_ends_in_a_refusal()
    {
        _tree.Leaf.Charge(MemoryKind.User, 1_000);
        using var cache = new TestReclaimer(_tree.Leaf, () => 1_000, _ =>
        {
            _tree.Middle.Kill("a reclaimer");
            return 0;
        });
        var thrown = Assert.Throws<MemoryLimitExceededException>(() => _tree.Middle.Charge(MemoryKind.User, 1));
        Assert.Equal(RefusalReason.GroupKilled, thrown.Refusal.Reason);
        _tree.Leaf.Uncharge(MemoryKind.User, 1_000);
        Assert.Equal([0, 0, 0], _tree.Memory);
    }

    // Each sort of wrong one, next to a good one; the charge must get its room, and in as many calls as there are.
    [Theory]
    [InlineData("throws"), InlineData("claims what it kept"), InlineData("claims the impossible")]
    [InlineData("gives and claims nothing"), InlineData("gives and throws")]
    public void One_that_throws_or_lies_does_not_keep_a_good_one_from_making_room(string wrong)
    {
        MemoryGroup bad = _tree.Middle.CreateChild("bad"), good = _tree.Middle.CreateChild("good");
        bad.Charge(MemoryKind.User, 500);
        good.Charge(MemoryKind.User, 500);
        long badBytes = 500, goodBytes = 500;
        using var liar = new TestReclaimer(bad, () => badBytes, target => wrong switch
        {
            "claims what it kept" => target,
            "claims the impossible" => long.MaxValue,
            "gives and claims nothing" => Give(target) - target,
            "gives and throws" => Give(target) > 0 ? throw new InvalidOperationException("test") : 0,
            _ => throw new InvalidOperationException("test"),
        });
        using var honest = new TestReclaimer(good, () => goodBytes, target =>
        {
            target = Math.Min(target, goodBytes);
            goodBytes -= target;
            good.Uncharge(MemoryKind.User, target);
            return target;
        });
        _tree.Leaf.Charge(MemoryKind.User, 100);
        Assert.Equal(100, _tree.Leaf.Memory.CurrentBytes);
        Assert.Equal(100 + badBytes + goodBytes, _tree.Middle.Memory.CurrentBytes);
        Assert.InRange(liar.Asked, 0, 1_000);
        Assert.Equal(0, _tree.Root.ReadEvents().AccountingErrors);

        long Give(long target)
        {
            target = Math.Min(target, badBytes);
            badBytes -= target;
            bad.Uncharge(MemoryKind.User, target);
            return target;
        }
    }
}
