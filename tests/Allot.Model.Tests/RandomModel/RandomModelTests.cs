using System.Globalization;

namespace Allot.Model.Tests.RandomModel;

/// <summary>The engine and the model agree on every answer and every number after every one of many random operations.
/// </summary>
/// <remarks>ALLOT_MODEL_SEED replays one seed; ALLOT_MODEL_STEPS walks further than by default.</remarks>
public sealed class RandomModelTests
{
    private const int StepsDefault = 600;
    private const int SeedsDefault = 40;

    public static TheoryData<ulong> Seeds =>
        Environment.GetEnvironmentVariable("ALLOT_MODEL_SEED") is { Length: > 0 } seed
            ? [ulong.Parse(seed, CultureInfo.InvariantCulture)]
            : [.. Enumerable.Range(1, SeedsDefault).Select(i => (ulong)i)];

    private static int Steps => Environment.GetEnvironmentVariable("ALLOT_MODEL_STEPS") is { Length: > 0 } steps
        ? int.Parse(steps, CultureInfo.InvariantCulture)
        : StepsDefault;

    [Theory, MemberData(nameof(Seeds))]
    public void Tree_agrees_with_the_model(ulong seed)
    {
        var tree = new EngineTree();
        string? difference = new RandomWalk(seed, tree).Run(Steps);
        Assert.True(difference is null, difference);
        Assert.Empty(TreeWalk.FindViolations(tree.Controller));
        Assert.Equal(default, tree.Controller.Root.ReadStat());
    }

    [Theory, MemberData(nameof(Seeds))]
    public void Tree_with_reserves_agrees_with_the_model_but_for_high_peaks(ulong seed)
    {
        const long ReservesMaxBytes = 8 << 20;
        var tree = new EngineTree(ReservesMaxBytes);
        var walk = new RandomWalk(seed, tree, peaksSlackBytes: ReservesMaxBytes);
        string? difference = walk.Run(Steps);
        Assert.True(difference is null, difference);
        Assert.Empty(TreeWalk.FindViolations(tree.Controller));
        Assert.Equal(default, tree.Controller.Root.ReadStat());
    }

    [Theory, MemberData(nameof(Seeds))]
    public void Tree_whose_threads_hold_reserves_agrees_with_the_model_but_for_high_peaks(ulong seed)
    {
        const long ReservesMaxBytes = 1 << 20;   // so that the bound is met too
        using var tree = new ThreadedTree(seed, ReservesMaxBytes);
        var walk = new RandomWalk(seed, tree, peaksSlackBytes: ReservesMaxBytes + ThreadedTree.BurstBytes);
        string? difference = walk.Run(Steps);
        Assert.True(difference is null, difference);
        Assert.Empty(TreeWalk.FindViolations(tree.Controller));
        Assert.Equal(default, tree.Controller.Root.ReadStat());
        Assert.NotEqual(0, tree.TimesBound);
    }

    [Theory, MemberData(nameof(Seeds))]
    public void Tree_whose_parents_pay_for_groups_agrees_with_the_model(ulong seed)
    {
        var tree = new EngineTree(chargesGroups: true);
        var walk = new RandomWalk(seed, tree, chargesGroups: true);
        string? difference = walk.Run(Steps);
        Assert.True(difference is null, difference);
        Assert.Empty(TreeWalk.FindViolations(tree.Controller));
        Assert.Equal(default, tree.Controller.Root.ReadStat());
    }

    [Fact]
    public void The_walks_meet_every_answer_there_is()
    {
        HashSet<string> met = [];
        for (ulong seed = 1; seed <= 5; seed++)
        {
            var walk = new RandomWalk(seed, new EngineTree());
            walk.Run(StepsDefault);
            met.UnionWith(walk.AnswersMet);
        }

        HashSet<string> fixedAnswers =
            [Answers.Done, Answers.GroupRemoved, Answers.Disposed, Answers.OutOfRange, Answers.NotNow];
        Assert.Superset(fixedAnswers, met);
        foreach (CounterKind counter in Enum.GetValues<CounterKind>())
        {
            Assert.Contains(met, answer => answer.Contains($"by {counter} of", StringComparison.Ordinal));
        }
    }
}
