using Allot.Testing;

namespace Allot.Stress;

/// <summary>Charges against limit changes on one counter, as dense as threads can make them.</summary>
public sealed class LimitStressTests(ITestOutputHelper output)
{
    public static TheoryData<ulong> Seeds => [.. Load.Seeds];

    [Theory, MemberData(nameof(Seeds))]
    public void Charges_and_limit_changes_on_one_counter_lose_nothing(ulong seed)
    {
        output.WriteLine($"ALLOT_STRESS_SEED={seed}");
        MemoryGroup group = new MemoryController().Root.CreateChild("a");
        int operations = Load.Operations(40_000);

        Crew.Run(
            [
                () => ChargeAndUncharge(group, new Prng(seed), operations),
                () => ChargeAndUncharge(group, new Prng(seed + 1), operations),
                () => MoveLimit(group, new Prng(seed + 2), operations),
                () => MoveLimit(group, new Prng(seed + 3), operations),
            ],
            watch: () => Assert.InRange(group.Memory.CurrentBytes, 0, 2_000));   // two threads of at most 1,000 bytes

        Assert.Equal(0, group.Memory.CurrentBytes);
        Assert.Equal(0, group.ReadEvents().AccountingErrors);
    }

    private static void ChargeAndUncharge(MemoryGroup group, Prng random, int operations)
    {
        for (int i = 0; i < operations; i++)
        {
            long bytes = random.Below(1_001);
            if (group.TryCharge(MemoryKind.User, bytes, out _)) group.Uncharge(MemoryKind.User, bytes);
        }
    }

    private static void MoveLimit(MemoryGroup group, Prng random, int operations)
    {
        for (int i = 0; i < operations; i++)
        {
            group.Memory.MaxBytes = random.OneIn(4) ? MemoryGroup.Unlimited : random.Below(2_500);
        }
    }
}
