namespace Allot.Model.Tests.RandomModel;

/// <summary>Engines that are wrong on purpose: the comparison must notice each, or it proves nothing about the right
/// one. </summary>
public sealed class CanaryTests
{
    private const int Steps = 600;

    [Fact]
    public void An_uncharge_that_drops_a_level_is_noticed() => AssertNoticed(() => new DropsOneLevel());

    [Fact]
    public void A_refusal_that_keeps_bytes_is_noticed() => AssertNoticed(() => new KeepsBytesOfRefusedCharges());

    [Fact]
    public void A_forced_charge_that_counts_twice_is_noticed() => AssertNoticed(() => new ForcesInTwoParts());

    private static void AssertNoticed(Func<ITree> broken)
    {
        for (ulong seed = 1; seed <= 5; seed++)
        {
            string? difference = new RandomWalk(seed, broken()).Run(Steps);
            Assert.NotNull(difference);
            Assert.Contains($"ALLOT_MODEL_SEED={seed} ", difference);
        }
    }

    private sealed class DropsOneLevel : EngineTree
    {
        public override string Uncharge(int group, Sort sort, long bytes)
        {
            if (Group(group).Parent is not { } parent || sort != Sort.User) return base.Uncharge(group, sort, bytes);
            parent.Uncharge(Kind(sort), bytes);
            return Answers.Done;
        }
    }

    private sealed class KeepsBytesOfRefusedCharges : EngineTree
    {
        public override string TryCharge(int group, Sort sort, long bytes)
        {
            string answer = base.TryCharge(group, sort, bytes);
            if (answer.Contains("by Memory", StringComparison.Ordinal)) Group(group).Memory.ForceCharge(1);
            return answer;
        }
    }

    private sealed class ForcesInTwoParts : EngineTree
    {
        public override string ForceCharge(int group, Sort sort, long bytes)
        {
            base.ForceCharge(group, sort, bytes / 2);
            return base.ForceCharge(group, sort, bytes - (bytes / 2));
        }
    }
}
