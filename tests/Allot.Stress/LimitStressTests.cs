using Allot.Testing;

namespace Allot.Stress;

/// <summary>Charges against limit changes on one counter, as dense as threads can make them.</summary>
public sealed class LimitStressTests(ITestOutputHelper output)
{
    private const int MovesInOneGo = 20;

    public static TheoryData<ulong> Seeds => [.. Load.Seeds];

    [Theory, MemberData(nameof(Seeds))]
    public void Charges_and_limit_changes_on_one_counter_lose_nothing(ulong seed)
    {
        output.WriteLine($"ALLOT_STRESS_SEED={seed}");
        MemoryGroup group = new MemoryController().Root.CreateChild("a");
        int operations = Load.Operations(800);
        int charged = 0, refused = 0, moving = 2;
        Crew.Run(
            [
                () => ChargeAndUncharge(new Prng(seed)),
                () => ChargeAndUncharge(new Prng(seed + 1)),
                () => MoveLimit(new Prng(seed + 2)),
                () => MoveLimit(new Prng(seed + 3)),
            ],
            watch: () => Assert.InRange(group.Memory.CurrentBytes, 0, 2_000));   // two threads of at most 1,000 bytes

        Assert.Equal(0, group.Memory.CurrentBytes);
        Assert.Equal(0, group.ReadEvents().AccountingErrors);
        output.WriteLine($"{charged} charged, {refused} refused");
        Assert.True(charged > 20 && refused > 20, "They hardly met: it proves nothing.");

        // As long as limits move, and limits move only so often before somebody has charged again: otherwise one side can be
        // done with everything while the other is not running.
        void ChargeAndUncharge(Prng random)
        {
            while (Volatile.Read(ref moving) > 0)
            {
                long bytes = random.Below(1_001);
                bool fits = group.TryCharge(MemoryKind.User, bytes, out _);
                if (fits) group.Uncharge(MemoryKind.User, bytes);
                Interlocked.Increment(ref fits ? ref charged : ref refused);
            }
        }

        void MoveLimit(Prng random)
        {
            SpinWait spin = default;
            for (int i = 0; i < operations; i++)
            {
                group.Memory.MaxBytes = random.OneIn(4) ? MemoryGroup.Unlimited : random.Below(2_500);
                if (i % MovesInOneGo != 0) continue;
                int before = Answers();
                while (Answers() == before) spin.SpinOnce(sleep1Threshold: -1);
            }

            Interlocked.Decrement(ref moving);
        }

        int Answers() => Volatile.Read(ref charged) + Volatile.Read(ref refused);
    }
}
