using Allot.Model.Tests.Reserves;

namespace Allot.Model.Tests.Hashing;

/// <summary>The protocols of the hash table under every interleaving of a few threads; and without one of their ideas
/// at a time, which has to be noticed. The models say what they cover: hash.pml, solewriter.pml.</summary>
public sealed class HashModelTests
{
    private const string Table = "Hashing/hash.pml", SoleWriter = "Hashing/solewriter.pml";

    /// <summary>Who takes part, the model, and its switches.</summary>
    public static TheoryData<string, string, string> Configurations => new()
    {
        { "two writers and a reader", Table, "OPS_0=2 OPS_1=1" },
        { "small accesses", Table, "ORDERED OPS_0=2 OPS_1=1" },
        { "one writer that does much", Table, "KEYS=2 OPS_0=4 OPS_1=0" },
        { "one writer that does much, by small accesses", Table, "ORDERED KEYS=2 OPS_0=4 OPS_1=0" },
        { "room for all", Table, "CAPACITY=3 KEYS=4 OPS_0=3 OPS_1=0" },
        { "stripes that are crossed", Table, "STRIPES=2 KEYS=4 OPS_0=2 OPS_1=2 READS=0" },
        { "stripes that are crossed, and a reader", Table, "STRIPES=2 KEYS=4 OPS_0=3 OPS_1=0" },
        { "permits of two stripes", Table, "STRIPES=2 OPS_0=4 OPS_1=1 READS=0" },
        { "one who writes alone, and another", SoleWriter, "TIMES=3" },
        { "two others", SoleWriter, "THIRD" },
        { "heirs of a stack", SoleWriter, "HEIRS" },
    };

    /// <summary>The idea that is missing, the model, and who has to take part for it to matter.</summary>
    public static TheoryData<string, string, string> BrokenProtocols => new()
    {
        { "NO_RECHECK", Table, "KEYS=2 OPS_1=0" },
        { "NO_SEQUENCE", Table, "KEYS=2 OPS_1=0" },
        { "SEQUENCE_FIRST", Table, "ORDERED KEYS=2 OPS_1=0" },
        { "TAGS_FIRST", Table, "ORDERED KEYS=2 OPS_1=0" },
        { "TORN", Table, "KEYS=2 OPS_1=0" },
        { "LATE_OVERFLOW", Table, "KEYS=2 OPS_1=0" },
        { "EARLY_UNCOUNT", Table, "KEYS=2 OPS_1=0" },
        { "TAG_FIRST", Table, "KEYS=2 OPS_1=0" },
        { "NO_ODD", Table, "KEYS=2 OPS_1=0" },
        { "CROSS", Table, "STRIPES=2 KEYS=4 CAPACITY=3 OPS_0=2 OPS_1=2 READS=0" },
        { "LATE_ROOM", Table, "STRIPES=2 OPS_0=3 OPS_1=2 READS=0" },
        { "RACY_FULL", Table, "STRIPES=2 OPS_0=5 OPS_1=1 READS=0" },
        { "NO_BARRIER", SoleWriter, "" },
        { "NO_WAIT", SoleWriter, "" },
        { "NO_LOOK", SoleWriter, "" },
        { "EARLY_END", SoleWriter, "THIRD" },
        { "MANY_PAGES", SoleWriter, "HEIRS" },
        { "BY_NUMBER", SoleWriter, "HEIRS" },
    };

    [Theory, MemberData(nameof(Configurations))]
    public async Task Every_interleaving_is_right(string who, string model, string switches)
    {
        SpinChecker.Require();
        SpinResult result = await SpinChecker.CheckAsync(model, Split(switches));
        Assert.True(result.Error is null, $"{who}: {result.Error}\n{model} {switches}");
        Assert.True(result.IsComplete, $"{who}: not every state was visited.\n{result.Report}");
        Assert.True(result.States > 10_000, $"{who}: only {result.States} states: the threads hardly ran.");
    }

    [Theory, MemberData(nameof(BrokenProtocols))]
    public async Task A_missing_idea_is_noticed(string missing, string model, string switches)
    {
        SpinChecker.Require();
        SpinResult result = await SpinChecker.CheckAsync(model, [$"BROKEN_{missing}", .. Split(switches)]);
        Assert.True(result.Error is not null, $"{missing} {switches}: the checker was content.\n{result.Report}");
        Assert.Contains("assertion violated", result.Error);
        Assert.DoesNotContain("invalid array index", result.Error);
    }

    private static string[] Split(string switches) => switches.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
