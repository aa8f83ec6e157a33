namespace Allot.Model.Tests.Interleavings;

/// <summary>The slots of a BPF program, in every order in which threads and the stores of owners can meet: one at a time
/// uses an execution, and when the program is closed it is ended once, by whoever is the last.</summary>
/// <remarks>Scenarios are words: <c>run2 run1 close</c>: threads with the number of their runs, and who closes.</remarks>
public sealed class SlotInterleavingTests
{
    public static TheoryData<string> Scenarios => ["run1 run1", "run2 run1", "run2 close", "run1 run1 close"];

    public static TheoryData<string, string> Canaries => new()
    {
        { nameof(LooksOnce), "run2 run1" },
        { nameof(TakesAwayWithoutBarrier), "run2 run1" },
        { nameof(ClosesWithoutBarrier), "run2 close" },
        { nameof(DoesNotDrain), "run2 run1" },
        { nameof(LeavesAndGoes), "run1 close" },
    };

    [Theory, MemberData(nameof(Scenarios))]
    public void Every_interleaving_is_right(string scenario)
    {
        Explorer result = Explore(scenario, "");
        Assert.Null(result.Violation);
        Assert.True(result.States > 100, $"Only {result.States} states: the threads hardly ran.");
    }

    [Theory, MemberData(nameof(Canaries))]
    public void A_missing_idea_is_found(string missing, string scenario) =>
        Assert.NotNull(Explore(scenario, missing).Violation);

    private static Explorer Explore(string scenario, string missing) => Explorer.Explore(run =>
    {
        SlotProtocol protocol = missing switch
        {
            nameof(LooksOnce) => new LooksOnce(run),
            nameof(TakesAwayWithoutBarrier) => new TakesAwayWithoutBarrier(run),
            nameof(ClosesWithoutBarrier) => new ClosesWithoutBarrier(run),
            nameof(DoesNotDrain) => new DoesNotDrain(run),
            nameof(LeavesAndGoes) => new LeavesAndGoes(run),
            _ => new SlotProtocol(run),
        };
        int thread = 0;
        foreach (string word in scenario.Split(' '))
        {
            if (word == "close") protocol.StartClose();
            else protocol.StartThread(++thread, word[^1] - '0');
        }
    });
}
