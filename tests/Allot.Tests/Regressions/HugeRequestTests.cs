namespace Allot.Tests.Regressions;

/// <summary>A huge request that is refused must not make a small one fail that fits, however the two meet.</summary>
public sealed class HugeRequestTests
{
    private const int Rounds = 3_000;

    // The limit that refuses the huge one is the tightest, or lies above the one that the small one nearly fills: there
    // the huge one takes room for a moment before it is refused.
    [Theory, InlineData(1_000, 1_000_000), InlineData(1_000_000, 1_000)]
    public void Small_charges_that_fit_are_never_refused_beside_it(long ownMaxBytes, long sharedMaxBytes)
    {
        var tree = new TreeOfThree(middle: new() { MaxBytes = sharedMaxBytes }, leaf: new() { MaxBytes = ownMaxBytes });
        long hugeBytes = Math.Min(ownMaxBytes, sharedMaxBytes) + 1, smallRefused = 0, hugeCharged = 0;
        Parallel.Invoke(
            () => Repeat(() =>
            {
                if (tree.Leaf.TryCharge(MemoryKind.User, hugeBytes, out _)) hugeCharged++;
            }),
            () => Repeat(() =>
            {
                if (!tree.Leaf.TryCharge(MemoryKind.User, 900, out _)) smallRefused++;
                else tree.Leaf.Uncharge(MemoryKind.User, 900);
            }));
        Assert.Equal((0, 0), (smallRefused, hugeCharged));
        Assert.Equal(Rounds, tree.Root.ReadEvents().MemoryMax);
        Assert.Equal([0, 0, 0], tree.Memory);
    }

    private static void Repeat(Action body)
    {
        for (int round = 0; round < Rounds; round++) body();
    }
}
