namespace Allot.Model.Tests.Interleavings;

/// <summary>What is read as used was true at some instant, whatever moves between the tree and the slots of threads
/// meanwhile; and one idea less is noticed.</summary>
public sealed class ReadInterleavingTests
{
    public static TheoryData<string> Scenarios =>
    [
        "fill", "drain", "exchange",
        "fill drain", "fill exchange", "drain exchange", "fill spend", "drain spend", "exchange spend",
        "fill drain exchange", "fill drain spend",
    ];

    [Theory, MemberData(nameof(Scenarios))]
    public void A_reading_was_true_at_some_instant(string movers) => AssertRight(movers, isImpatient: false);

    [Theory, MemberData(nameof(Scenarios))]
    public void A_reader_that_holds_moves_up_gets_its_reading_and_so_do_the_movers(string movers) =>
        AssertRight(movers, isImpatient: true);

    [Fact]
    public void Two_readers_may_hold_moves_up_at_once() => AssertRight("fill drain read", isImpatient: true);

    [Theory, InlineData("fill"), InlineData("drain"), InlineData("exchange")]
    public void A_move_that_is_counted_at_its_end_is_found(string mover) =>
        AssertFound(mover, run => new CountsMovesAtTheirEnd(run));

    [Theory, InlineData("fill"), InlineData("drain"), InlineData("exchange")]
    public void A_move_that_is_not_counted_is_found(string mover) =>
        AssertFound(mover, run => new CountsNoMoves(run));

    [Theory, InlineData("drain"), InlineData("exchange")]
    public void A_reader_that_misses_a_move_under_way_is_found(string mover) =>
        AssertFound(mover, run => new ComparesBeginningsOnly(run));

    private static void AssertRight(string movers, bool isImpatient)
    {
        Explorer result = Explore(movers, run => new ReadProtocol(run), isImpatient);
        Assert.Null(result.Violation);
        Assert.True(result.States > 10, $"Only {result.States} states: the actors hardly ran.");
    }

    private static void AssertFound(string movers, Func<Run, ReadProtocol> broken)
    {
        Explorer result = Explore(movers, broken, isImpatient: false);
        Assert.NotNull(result.Violation);
        Assert.Contains("I3", result.Violation);
    }

    private static Explorer Explore(string movers, Func<Run, ReadProtocol> create, bool isImpatient) =>
        Explorer.Explore(run =>
        {
            ReadProtocol protocol = create(run);
            run.Start("reader", protocol.Read(isImpatient));
            foreach (string name in movers.Split(' '))
            {
                run.Start(name, name switch
                {
                    "fill" => protocol.Fill(surplus: 3),
                    "drain" => protocol.Drain(keep: 1),
                    "exchange" => protocol.Exchange(),
                    "read" => protocol.Read(isImpatient),
                    _ => protocol.Spend(1),
                });
            }
        });
}
