namespace Allot.Model.Tests.Interleavings;

/// <summary>Charges that wait for room, in every order in which threads can meet: no lost wake-up, the order of
/// arrival, no starvation, and what was kept for who cancels goes to the others.</summary>
/// <remarks>Scenarios are words: <c>room1 wait3 give2 charge1 cancel0</c>: the room at first, then the
/// threads.</remarks>
public sealed class WaitingInterleavingTests
{
    public static TheoryData<string> Scenarios =>
    [
        "room0 wait2 give2",
        "room1 wait2 give1",
        "room0 wait2 give1 give1",
        "room0 wait2 wait1 give3",
        "room0 wait3 wait1 give2",
        "room0 wait2 charge1 give2",
        "room2 wait2 charge1 give1",
        "room1 wait2 charge1 give1",
        "room1 wait2 charge1 charge2 give2",
        "room1 wait1 charge1 charge1",
        "room0 wait2 cancel0 give2",
        "room1 wait2 wait1 cancel0",
        "room2 wait3 charge1 cancel0",
    ];

    public static TheoryData<string, string> Canaries => new()
    {
        { nameof(LooksBeforeItGives), "room0 wait2 give2" },
        { nameof(TriesBeforeItMarks), "room0 wait2 give2" },
        { nameof(ClearsAfterItLooked), "room0 wait2 give1 give1" },
        { nameof(LeavesWithoutAWord), "room1 wait2 wait1 cancel0" },
        { nameof(ServesWhoFits), "room0 wait3 wait1 give2" },
        { nameof(PromisesNothing), "room1 wait2 charge1 charge2 give2" },
        { nameof(MarksWithoutGrace), "room1 wait1 charge1 charge1 give1" },
    };

    [Theory, MemberData(nameof(Scenarios))]
    public void Every_interleaving_is_right(string scenario)
    {
        Explorer result = Explore(scenario, "");
        Assert.Null(result.Violation);
        Assert.True(result.States > 10, $"Only {result.States} states: the threads hardly ran.");
    }

    [Theory, MemberData(nameof(Canaries))]
    public void A_missing_idea_is_found(string missing, string scenario) =>
        Assert.NotNull(Explore(scenario, missing).Violation);

    private static Explorer Explore(string scenario, string missing) => Explorer.Explore(run =>
    {
        string[] words = scenario.Split(' ');
        WaitingProtocol protocol = Create(missing, run, Number(words[0]));
        foreach (string word in words[1..])
        {
            run.Start(word, word[..^1] switch
            {
                "wait" => protocol.Wait(Number(word)),
                "give" => protocol.Uncharge(Number(word)),
                "charge" => protocol.Charge(Number(word)),
                "cancel" => protocol.Cancel((int)Number(word)),
                _ => throw new ArgumentException($"'{word}' is no thread.", nameof(scenario)),
            });
        }
    });

    private static WaitingProtocol Create(string missing, Run run, long room) => missing switch
    {
        nameof(LooksBeforeItGives) => new LooksBeforeItGives(run, room),
        nameof(TriesBeforeItMarks) => new TriesBeforeItMarks(run, room),
        nameof(ClearsAfterItLooked) => new ClearsAfterItLooked(run, room),
        nameof(LeavesWithoutAWord) => new LeavesWithoutAWord(run, room),
        nameof(ServesWhoFits) => new ServesWhoFits(run, room),
        nameof(PromisesNothing) => new PromisesNothing(run, room),
        nameof(MarksWithoutGrace) => new MarksWithoutGrace(run, room),
        _ => new WaitingProtocol(run, room),
    };

    private static long Number(string word) => word[^1] - '0';
}
