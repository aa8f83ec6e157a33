namespace Allot.Tests.Issues;

/// <summary>A refusal explains itself whatever its holders hold: sums of what cannot refuse (ForceCharge) stop at the
/// largest number.</summary>
public sealed class HugeHoldersTests
{
    [Fact]
    public void Siblings_that_hold_more_than_a_number_are_named()
    {
        var controller = new MemoryController(new() { MaxBytes = 100 });
        MemoryGroup a = controller.Root.CreateChild("a"), b = controller.Root.CreateChild("b");
        MemoryGroup c = controller.Root.CreateChild("c");
        foreach (MemoryGroup group in (MemoryGroup[])[a, b])
        {
            for (int i = 0; i < 1 << 17; i++) group.ForceCharge(MemoryKind.User, MemoryGroup.MaxChargeBytes);
        }

        var refused = Assert.Throws<MemoryLimitExceededException>(() => c.Charge(MemoryKind.User, 1));
        Assert.Contains("'a' 9223372036854775807, 'b' 9223372036854775807", refused.Message, StringComparison.Ordinal);
    }
}
