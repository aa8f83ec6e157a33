namespace Allot.Model.Tests.Reserves;

/// <summary>The protocol of the reserves under every interleaving of a few threads, store buffers included; and without
/// one of its ideas at a time, which has to be noticed. The model says what it covers: reserves.pml.</summary>
public sealed class ReservesModelTests
{
    private const string Model = "Reserves/reserves.pml";

    /// <summary>Who takes part, and the switches of the model.</summary>
    public static TheoryData<string, string> Configurations => new()
    {
        { "refusals", "OPS_0=3 OPS_1=2 MAX_GROUP=4" },
        { "refusals by a leaf", "OPS_0=3 OPS_1=1" },
        { "four levels", "SHAPE_DEEP MAX_ROOT=4" },
        { "kernel and user memory of a group", "SHAPE_KERNEL BOTH_SERVE_BOTH" },
        { "one counter", "SHAPE_ONE OPS_0=3 OPS_1=1 MAX_ROOT=4" },
        { "larger slots, small charges", "CAP=4 LARGEST=1 OPS_0=4 MAX_ROOT=4 MAX_GROUP=6" },
        { "a longer store buffer", "BUFFER=6 MAX_ROOT=4" },
        { "eviction", "EVICT BOTH_SERVE_BOTH OPS_1=1" },
        { "a thread that starts", "LATE_BLOCK MAX_GROUP=4" },
        { "a thread that ends, an heir and a reaper", "OPS_0=1 OPS_1=1 OPS_HEIR=1 REAPER" },
        { "trimming", "TRIM BOTH_SERVE_BOTH LARGEST=1 OPS_1=1" },
        { "a lower limit", "SETMAX_A=0,1 OPS_1=1" },
        { "a lower limit of a leaf", "SETMAX_A=1,1 OPS_1=1" },
        { "a higher limit", "SETMAX_A=0,3 MAX_ROOT=1 OPS_1=1" },
        { "two limits at once", "SETMAX_A=0,2 SETMAX_B=0,3 MAX_ROOT=1 OPS_0=1 OPS_1=1" },
        { "removal", "REMOVE OPS_1=1" },
        { "removal, both threads in both groups", "REMOVE BOTH_SERVE_BOTH BATCH=1 LARGEST=1 OPS_1=1" },
        { "removal and an heir", "REMOVE BOTH_SERVE_BOTH OPS_0=1 OPS_1=0 OPS_HEIR=2" },
        { "uncharges that bind, and eviction", "BIND BOTH_SERVE_BOTH EVICT LARGEST=1" },
        { "uncharges that bind, and a lower limit", "BIND SETMAX_A=0,1 LARGEST=1" },
        { "uncharges that bind, and removal", "BIND REMOVE LARGEST=1" },
        { "an idle thread", "TAKE_ALL OPS_1=1" },
        { "an idle thread that ends, an heir and a reaper", "TAKE_ALL REAPER OPS_HEIR=2 OPS_0=1 OPS_1=0" },
        { "an idle thread with free blocks", "HEAP TAKE_ALL OPS_1=1" },
        { "an idle thread with free blocks, and trimming", "HEAP TAKE_ALL TRIM OPS_0=2 OPS_1=0" },
        { "an idle thread with free blocks, and a lower limit", "HEAP TAKE_ALL SETMAX_A=0,1 OPS_0=3 OPS_1=0" },
        { "an idle thread with free blocks, and removal", "HEAP TAKE_ALL REMOVE OPS_0=3 OPS_1=0" },
        { "free blocks, and removal", "HEAP REMOVE OPS_1=1" },
        { "everybody, one step each", "REMOVE SETMAX_A=0,1 OPS_0=1 OPS_1=1 OPS_HEIR=1 LARGEST=1" },
    };

    /// <summary>The idea that is missing, and who has to take part for it to matter.</summary>
    public static TheoryData<string, string> BrokenProtocols => new()
    {
        { "NO_BARRIER", "" },
        { "NO_BARRIER", "REMOVE" },
        { "NO_BARRIER", "TRIM LARGEST=1 MAX_ROOT=9 MAX_GROUP=9" },
        { "NO_BUSY_WAIT", "" },
        { "LATE_BUSY", "" },
        { "LATE_DEPOSIT", "" },
        { "NO_EXACT", "" },
        { "NO_GRACE", "" },
        { "NO_GRACE", "REMOVE" },
        { "GATE_UNDER_LOCK", "" },
        { "KERNEL_APART", "SHAPE_KERNEL BOTH_SERVE_BOTH" },
        { "LIST_BEFORE_FLAG", "LATE_BLOCK MAX_GROUP=4" },
        { "DEPOSIT_WHILE_COLLECTING", "REMOVE BOTH_SERVE_BOTH BATCH=1 LARGEST=1" },
        { "STALE_LIST", "REMOVE BOTH_SERVE_BOTH OPS_0=1 OPS_1=0 OPS_HEIR=2" },
        { "UNLOCKED_SCAN", "REAPER BROKEN_FREE_FIRST" },
        { "LOWER_NO_COLLECT", "SETMAX_A=0,1" },
        { "LOWER_NO_EXACT", "SETMAX_A=0,1" },
        { "STALE_DIRECTION", "SETMAX_A=0,2 SETMAX_B=0,3 MAX_ROOT=1 OPS_1=0" },
        { "REMOVE_NO_COLLECT", "REMOVE" },
        { "NO_RECHECK", "REMOVE" },
        { "NO_SECOND_LOOK", "REMOVE" },
        { "LATE_COUNT", "REMOVE" },
        { "BIND_NO_EXACT", "BIND" },
        { "BIND_NO_SECOND_LOOK", "BIND REMOVE LARGEST=1" },
        { "KEEP_BLINDLY", "" },
        { "EARLY_END", "HEAP REMOVE OPS_0=3 OPS_1=0" },
        { "EARLY_END", "HEAP TAKE_ALL OPS_0=3 OPS_1=0" },
        { "NO_BARRIER", "HEAP REMOVE OPS_0=3 OPS_1=0" },
        { "TAKE_NO_BARRIER", "HEAP TAKE_ALL OPS_0=3 OPS_1=0" },
        { "TAKE_NO_WAIT", "HEAP TAKE_ALL OPS_0=3 OPS_1=0" },
        { "TAKE_AFTERWARDS", "HEAP TAKE_ALL OPS_0=4 OPS_1=0" },
        { "REAP_UNLISTED", "REAPER OPS_HEIR=2 OPS_0=1 OPS_1=0" },
    };

    [Theory, MemberData(nameof(Configurations))]
    public async Task Every_interleaving_is_right(string who, string switches)
    {
        SpinChecker.Require();
        SpinResult result = await SpinChecker.CheckAsync(Model, Split(switches));
        Assert.True(result.Error is null, $"{who}: {result.Error}\n{Replay(switches)}");
        Assert.True(result.IsComplete, $"{who}: not every state was visited.\n{result.Report}");
        Assert.True(result.States > 10_000, $"{who}: only {result.States} states: the threads hardly ran.");
    }

    // TSO: found with the store order of x64 already.
    [Theory, MemberData(nameof(BrokenProtocols))]
    public Task A_missing_idea_is_noticed(string missing, string switches) =>
        AssertFoundAsync($"BROKEN_{missing} {switches} TSO");

    [Fact]
    public Task A_busy_flag_that_is_lowered_by_a_plain_store_is_noticed() => AssertFoundAsync("BROKEN_PLAIN_BUSY");

    private static async Task AssertFoundAsync(string switches)
    {
        SpinChecker.Require();
        SpinResult result = await SpinChecker.CheckAsync(Model, Split(switches));
        Assert.True(result.Error is not null, $"{switches}: the checker was content.\n{result.Report}");
        Assert.Matches("assertion violated|invalid end state", result.Error);
    }

    private static string[] Split(string switches) => switches.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static string Replay(string switches) =>
        $"Replay: S='{string.Join(' ', Split(switches).Select(name => "-D" + name))}'; spin -a $S reserves.pml && "
        + "gcc -w -DSAFETY -DCOLLAPSE pan.c -o pan && ./pan -m20000; spin -t -p $S reserves.pml";
}
