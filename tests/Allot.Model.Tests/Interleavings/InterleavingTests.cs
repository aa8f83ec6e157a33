namespace Allot.Model.Tests.Interleavings;

/// <summary>The lock-free protocol of MemoryCounter under every interleaving of two or three actors: I1 at every
/// instant, I4 and I5 at the end, readings that were true, and no false underflow.</summary>
public sealed class InterleavingTests
{
    private static readonly string[] s_actors =
    [
        "charge2", "charge3", "charge5", "uncharge1", "uncharge2", "force2",
        "lower=1", "lower=7", "upper=1", "upper=6", "readlower", "readupper",
    ];

    public static TheoryData<string> Pairs =>
        [.. s_actors.SelectMany((one, i) => s_actors.Skip(i).Select(other => $"{one} {other}"))];

    public static TheoryData<string> Triples =>
    [
        "charge2 charge2 charge2",
        "charge2 charge3 upper=1",
        "charge2 charge3 upper=6",
        "charge2 charge5 lower=1",
        "charge5 uncharge2 upper=6",
        "charge5 charge2 uncharge2",
        "charge2 uncharge2 upper=1",
        "charge2 uncharge2 lower=7",
        "charge3 upper=1 upper=6",
        "charge3 lower=1 upper=6",
        "charge3 upper=1 readupper",
        "charge3 upper=6 readupper",
        "uncharge2 uncharge2 upper=6",
        "uncharge2 uncharge1 upper=1",
        "uncharge2 upper=1 upper=6",
        "uncharge2 upper=6 readupper",
        "uncharge2 lower=7 readlower",
        "force2 charge2 upper=6",
        "force2 uncharge2 upper=1",
        "force2 upper=1 readupper",
        "upper=1 upper=6 readupper",
        "upper=1 upper=6 upper=3",
    ];

    [Theory, MemberData(nameof(Pairs))]
    public void Every_interleaving_of_two_is_right(string actors) => AssertRight(actors);

    [Theory, MemberData(nameof(Triples))]
    public void Every_interleaving_of_three_is_right(string actors) => AssertRight(actors);

    [Fact]
    public void A_charge_that_adds_first_and_compares_second_is_found() =>
        AssertFound("charge3 charge3", run => new AddThenCompare(run), "I1");

    [Fact]
    public void A_limit_and_a_use_in_two_words_are_found() =>
        AssertFound("charge3 upper=1", run => new LimitAndUseInTwoWords(run), "I1");

    [Fact]
    public void An_underflow_that_is_believed_at_first_sight_is_found() =>
        AssertFound("uncharge2 upper=6", run => new NoSecondLookAtUnderflow(run), "no false underflow");

    [Fact]
    public void A_reading_that_never_was_true_is_found() =>
        AssertFound("readupper upper=1", run => new NoSecondLookAtVersion(run), "I3");

    [Fact]
    public void Limit_changes_that_do_not_exclude_each_other_are_found() =>
        AssertFound("upper=1 upper=6", run => new UnlockedLimitChange(run), "max - room");

    private static void AssertRight(string actors)
    {
        Explorer result = CounterScenario.Explore(actors);
        Assert.Null(result.Violation);
        Assert.True(result.States > 10, $"Only {result.States} states: the actors hardly ran.");
    }

    private static void AssertFound(string actors, Func<Run, CounterProtocol> broken, string rule)
    {
        Explorer result = CounterScenario.Explore(actors, broken);
        Assert.NotNull(result.Violation);
        Assert.Contains(rule, result.Violation);
    }
}
