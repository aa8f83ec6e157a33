namespace Allot.Tests;

public sealed class MemoryGroupOptionsTests
{
    [Fact]
    public void The_default_is_no_limit()
    {
        var options = new MemoryGroupOptions();
        Assert.Equal(MemoryGroup.Unlimited, options.MaxBytes);
        Assert.Equal(MemoryGroup.Unlimited, options.KernelMaxBytes);
        Assert.Equal(MemoryGroup.Unlimited, options.PinsMaxBytes);
    }

    public static TheoryData<MemoryGroupOptions, string> Negative => new()
    {
        { new() { MaxBytes = -1 }, "MaxBytes" },
        { new() { KernelMaxBytes = -1 }, "KernelMaxBytes" },
        { new() { PinsMaxBytes = long.MinValue }, "PinsMaxBytes" },
    };

    [Theory, MemberData(nameof(Negative), DisableDiscoveryEnumeration = true)]
    public void A_negative_limit_is_refused_by_name_and_creates_nothing(MemoryGroupOptions options, string name)
    {
        MemoryGroup root = new MemoryController().Root;
        Assert.Equal(
            name, Assert.Throws<ArgumentOutOfRangeException>(() => root.CreateChild("a", options)).ParamName);
        Assert.Empty(root.Children);
    }

    [Fact]
    public void Options_are_read_once()
    {
        var options = new MemoryGroupOptions { MaxBytes = 10 };
        MemoryGroup group = new MemoryController().Root.CreateChild("a", options);
        options.MaxBytes = 20;
        Assert.Equal(10, group.Memory.MaxBytes);
    }
}
