namespace Allot.Tests;

public sealed class ChargeRefusalTests
{
    [Fact]
    public void The_default_value_is_no_refusal()
    {
        ChargeRefusal refusal = default;
        Assert.Equal(RefusalReason.None, refusal.Reason);
        Assert.Null(refusal.Group);
        Assert.Null(refusal.Limiter);
        Assert.Equal("Not refused.", refusal.ToString());
    }

    [Fact]
    public void The_numbers_are_those_of_the_limiter()
    {
        var tree = new TreeOfThree(middle: new() { MaxBytes = 100 });
        tree.Middle.Charge(MemoryKind.User, 60);
        Assert.False(tree.Leaf.TryCharge(MemoryKind.User, 41, out ChargeRefusal refusal));
        Assert.Equal(RefusalReason.LimitReached, refusal.Reason);
        Assert.Equal(CounterKind.Memory, refusal.Counter);
        Assert.Same(tree.Leaf, refusal.Group);
        Assert.Same(tree.Middle, refusal.Limiter);
        Assert.Equal(41, refusal.RequestedBytes);
        Assert.Equal(60, refusal.CurrentBytes);
        Assert.Equal(100, refusal.MaxBytes);
    }

    [Fact]
    public void The_text_names_request_group_limiter_use_limit_holders_and_knob()
    {
        var tree = new TreeOfThree(middle: new() { MaxBytes = 100 });
        tree.Middle.Charge(MemoryKind.User, 20);
        tree.Leaf.Charge(MemoryKind.User, 40);
        Assert.False(tree.Leaf.TryCharge(MemoryKind.User, 41, out ChargeRefusal refusal));
        Assert.Equal(
            "Cannot charge 41 bytes to '/a/b' (memory): '/a' holds 60 of its 100 bytes. "
            + "Largest holders: 'b' 40, itself 20. "
            + "Raise Memory.MaxBytes on '/a', or release what it holds.",
            refusal.ToString());
    }

    [Fact]
    public void The_text_names_the_three_largest_holders()
    {
        var controller = new MemoryController(new() { KernelMaxBytes = 100 });
        foreach (int bytes in (int[])[1, 2, 30, 4, 50])
        {
            controller.Root.CreateChild($"g{bytes}").Charge(MemoryKind.Kernel, bytes);
        }

        Assert.False(controller.Root.TryCharge(MemoryKind.Kernel, 14, out ChargeRefusal refusal));
        string text = refusal.ToString();
        Assert.Contains("(kernel memory)", text);
        Assert.Contains("Largest holders: 'g50' 50, 'g30' 30, 'g4' 4. ", text);
        Assert.Contains("Raise Kernel.MaxBytes on '/'", text);
    }

    [Fact]
    public void A_child_called_itself_is_not_mistaken_for_the_group()
    {
        var controller = new MemoryController(new() { PinsMaxBytes = 10 });
        Assert.True(controller.Root.CreateChild("itself").TryPin(PinKind.Locked, 7, out _));
        Assert.True(controller.Root.TryPin(PinKind.Locked, 3, out _));
        Assert.False(controller.Root.TryPin(PinKind.Locked, 1, out ChargeRefusal refusal));
        Assert.Contains("(pins)", refusal.ToString());
        Assert.Contains("Largest holders: 'itself' 7, itself 3. ", refusal.ToString());
        Assert.Contains("Raise Pins.MaxBytes on '/'", refusal.ToString());
    }

    [Fact]
    public void A_request_that_can_never_fit_is_told_apart_and_an_empty_limiter_names_no_holders()
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("a", new() { MaxBytes = 10 });
        Assert.False(group.TryCharge(MemoryKind.User, 11, out ChargeRefusal refusal));
        Assert.Contains("The request is larger than the whole limit.", refusal.ToString());
        Assert.DoesNotContain("Largest holders", refusal.ToString());
    }

    [Fact]
    public void A_removed_group_says_that_it_was_removed()
    {
        var tree = new TreeOfThree();
        tree.Leaf.Remove();
        tree.Leaf.TryCharge(MemoryKind.User, 5, out ChargeRefusal refusal);
        Assert.Equal("Cannot charge 5 bytes to '/a/b' (memory): the group was removed.", refusal.ToString());
    }

    [Fact]
    public void The_text_can_be_made_after_the_limiter_is_gone()
    {
        var tree = new TreeOfThree(leaf: new() { MaxBytes = 10 });
        tree.Leaf.Charge(MemoryKind.User, 10);
        tree.Leaf.TryCharge(MemoryKind.User, 1, out ChargeRefusal refusal);
        tree.Leaf.Remove();
        Assert.Contains("'/a/b' holds 10 of its 10 bytes. Raise", refusal.ToString());
    }
}
