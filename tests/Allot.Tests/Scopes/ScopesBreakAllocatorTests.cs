namespace Allot.Tests.Scopes;

/// <summary>What an adversary has tried: everything that charges, in every scope.</summary>
[Collection(ChecksSwitch.Name)]
public sealed class ScopesBreakAllocatorTests
{
    private static (MemoryGroup Group, NeedyReclaimer Cache) Full()
    {
        var controller = new MemoryController(options: new() { ChargesGroupMetadata = true });
        MemoryGroup group = controller.Root.CreateChild("g", new() { MaxBytes = 100_000 });
        var cache = new NeedyReclaimer(group, 100_000, ReclaimNeeds.FileSystem);
        return (group, cache);
    }

    [Fact]
    public void Groups_are_denied()
    {
        (MemoryGroup group, _) = Full();
        group.Memory.MaxBytes = MemoryGroup.Unlimited;
        using var checks = new ChecksOn();
        using ThreadScope deny = AllocationScope.DenyAllocations();
        Assert.Throws<AllocationDeniedException>(() => { group.CreateChild("x"); });
    }

    [Fact]
    public void Groups_pass_the_limit_in_NoThrowOnLimit()
    {
        (MemoryGroup group, _) = Full();
        using ThreadScope noFs = AllocationScope.NoFs();
        using ThreadScope scope = AllocationScope.NoThrowOnLimit();
        Assert.NotNull(group.CreateChild("x"));
    }

    [Fact]
    public void Groups_pass_the_limit_in_NoReclaim()
    {
        (MemoryGroup group, _) = Full();
        using ThreadScope scope = AllocationScope.NoReclaim();
        Assert.NotNull(group.CreateChild("x"));
    }

    [Fact]
    public void Transfers_are_denied()
    {
        var controller = new MemoryController();
        MemoryGroup a = controller.Root.CreateChild("a"), b = controller.Root.CreateChild("b");
        using MemoryCharge charge = a.Hold(MemoryKind.User, 100);
        using var checks = new ChecksOn();
        using ThreadScope deny = AllocationScope.DenyAllocations();
        Assert.Throws<AllocationDeniedException>(() => charge.TransferTo(b));
    }
}
