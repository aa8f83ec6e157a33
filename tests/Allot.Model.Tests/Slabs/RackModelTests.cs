using Allot.Model.Tests.Reserves;

namespace Allot.Model.Tests.Slabs;

/// <summary>Magazines that pass between threads without a lock, under every interleaving of a few threads; and without
/// one of the ideas at a time, which has to be noticed. The model says what it covers: rack.pml.</summary>
public sealed class RackModelTests
{
    private const string Model = "Slabs/rack.pml";

    /// <summary>Who takes part, and the switches of the model.</summary>
    public static TheoryData<string, string> Configurations => new()
    {
        { "two who bring, one who takes, and the keeper", "KEEPS=1" },
        { "a keeper that comes again", "BRINGS_0=1" },
        { "no memory for a magazine", "FAULTS BRINGS_0=1 KEEPS=1" },
        { "one place", "PLACES=1 BRINGS_1=2 KEEPS=1" },
        { "two who take", "TAKERS=2 BRINGS_0=1 BRINGS_1=0 KEEPS=1" },
        { "a keeper that does much", "BRINGS_1=0 TAKES=3 KEEPS=3" },
    };

    /// <summary>The idea that is missing, and who has to take part for it to matter.</summary>
    public static TheoryData<string, string> BrokenProtocols => new()
    {
        { "NO_SWAP_BRING", "KEEPS=1" },
        { "NO_SWAP_TAKE", "TAKERS=2 KEEPS=0" },
        { "NO_SWAP_REMOVE", "KEEPS=1" },
        { "EARLY_READ", "PLACES=1 BRINGS_0=1 BRINGS_1=2" },
        { "LATE_WRITE", "KEEPS=0" },
        { "FILL_NOTHING", "KEEPS=1" },
        { "COUNT_TO_CLOSE", "KEEPS=1" },
        { "FREE_UNLOCKED", "KEEPS=1" },
        { "NO_MARK", "BRINGS_0=3 BRINGS_1=0 TAKES=3" },
    };

    [Theory, MemberData(nameof(Configurations))]
    public async Task Every_interleaving_is_right(string who, string switches)
    {
        SpinChecker.Require();
        SpinResult result = await SpinChecker.CheckAsync(Model, Split(switches));
        Assert.True(result.Error is null, $"{who}: {result.Error}\n{switches}");
        Assert.True(result.IsComplete, $"{who}: not every state was visited.\n{result.Report}");
        Assert.True(result.States > 10_000, $"{who}: only {result.States} states: the threads hardly ran.");
    }

    [Theory, MemberData(nameof(BrokenProtocols))]
    public async Task A_missing_idea_is_noticed(string missing, string switches)
    {
        SpinChecker.Require();
        SpinResult result = await SpinChecker.CheckAsync(Model, [$"BROKEN_{missing}", .. Split(switches)]);
        Assert.True(result.Error is not null, $"{missing} {switches}: the checker was content.\n{result.Report}");
        Assert.Contains("assertion violated", result.Error);
        Assert.DoesNotContain("invalid array index", result.Error);
    }

    [Fact]
    public async Task The_class_of_the_model_is_closed_at_times()
    {
        SpinChecker.Require();
        SpinResult result = await SpinChecker.CheckAsync(Model, ["CAN_CLOSE=false"]);
        Assert.Contains("assertion violated", result.Error);
    }

    private static string[] Split(string switches) => switches.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
