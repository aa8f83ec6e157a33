namespace Allot.Model.Tests.Interleavings;

/// <summary>Records of several producers and their consumer, in every order in which threads can meet: nothing is read
/// that was not written, nothing is lost, and nobody waits for ever.</summary>
/// <remarks>Scenarios are words: <c>slots4 put2 drop1 get1</c>: the ring, then the threads; <c>put</c> and <c>drop</c>
/// with the length of the record, <c>get</c> with the number of records.</remarks>
public sealed class RingInterleavingTests
{
    public static TheoryData<string> Scenarios =>
    [
        "slots4 put1 get1",
        "slots4 put2 put1 get2",
        "slots6 put2 put3 get2",
        "slots4 put1 put1 get2",
        "slots4 drop1 put2 get1",
        "slots4 put1 drop2 get1",
        "slots4 drop2 drop1",
    ];

    public static TheoryData<string, string> Canaries => new()
    {
        { nameof(ClearsNothing), "slots2 again1 get3" },
        { nameof(MovesBeforeItClears), "slots4 again2 get3" },
        { nameof(LooksBeforeItCommits), "slots4 put1 put1 get2" },
        { nameof(WaitsAtOnce), "slots4 put1 get1" },
    };

    [Theory, MemberData(nameof(Scenarios))]
    public void Every_interleaving_is_right(string scenario)
    {
        Explorer result = Explore(scenario, "");
        Assert.Null(result.Violation);
        Assert.True(result.States > 10, $"Only {result.States} states: the threads hardly ran.");
    }

    [Fact]
    public void A_producer_that_comes_round_the_end_is_right() =>
        Assert.Null(Explore("slots4 again2 get3", "").Violation);

    [Theory, MemberData(nameof(Canaries))]
    public void A_missing_idea_is_found(string missing, string scenario) =>
        Assert.NotNull(Explore(scenario, missing).Violation);

    private static Explorer Explore(string scenario, string missing) => Explorer.Explore(run =>
    {
        string[] words = scenario.Split(' ');
        RingProtocol protocol = Create(missing, run, Number(words[0]));
        foreach (string word in words[1..])
        {
            run.Start(word, word[..^1] switch
            {
                "put" => protocol.Produce(Number(word), discards: false),
                "drop" => protocol.Produce(Number(word), discards: true),
                "again" => Again(protocol, Number(word)),
                "get" => protocol.Consume(Number(word)),
                _ => throw new ArgumentException($"'{word}' is no thread.", nameof(scenario)),
            });
        }

        if (words.Any(word => word.StartsWith("get", StringComparison.Ordinal))) protocol.RequireAllIsConsumed();
    });

    // Three records, each as soon as there is room for it: the last, of one slot, lies where the first one did.
    private static IEnumerable<Gate?> Again(RingProtocol protocol, int length)
    {
        for (int record = 0; record < 3; record++)
        {
            int slots = record < 2 ? length : 1;
            yield return protocol.HasRoomFor(slots);
            foreach (Gate? gate in protocol.Produce(slots, discards: false)) yield return gate;
        }
    }

    private static RingProtocol Create(string missing, Run run, int slots) => missing switch
    {
        nameof(ClearsNothing) => new ClearsNothing(run, slots),
        nameof(MovesBeforeItClears) => new MovesBeforeItClears(run, slots),
        nameof(LooksBeforeItCommits) => new LooksBeforeItCommits(run, slots),
        nameof(WaitsAtOnce) => new WaitsAtOnce(run, slots),
        _ => new RingProtocol(run, slots),
    };

    private static int Number(string word) => word[^1] - '0';
}
