using Allot.Processes.Native;
using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Run;

// A kernel memory limit against the loop that makes a directory in a directory in a directory. On cgroup v1 the peaks
// are the kernel's own high-water marks, so nothing between two readings can hide.
public sealed class KernelLimitTests : IDisposable
{
    private readonly ScratchDirectory _scratch = new();

    public KernelLimitTests() => Require.Root();

    public void Dispose() => _scratch.Dispose();

    [Theory, InlineData("C"), InlineData("python3")]
    public void The_mkdir_loop_ends_with_ENOMEM_below_the_bound(string language)
    {
        string[] program = language == "C"
            ? [Require.Program("mkdir-loop")]
            : [Require.Python(), Toolbox.Source("mkdir_loop.py")];
        AllotResult result = AllotCommand.Run(
            ["--kernel-max", "16M"], [.. program, _scratch.Subdirectory("deep"), "100000"]);

        GroupAssert.ExitedWith(1, result);
        Assert.EndsWith(" ENOMEM", result.Run.After("mkdir"), StringComparison.Ordinal);
        Assert.Equal("mkdir: Cannot allocate memory\n", result.Run.Error);
        Assert.InRange(result.Run.NumberAfter("mkdir"), 5_000, 50_000);   // 1.3 KiB a level on ext4
        Assert.Equal(16 << 20, result.Number("kernel.max_bytes"));
        Assert.True(result.Number("kernel.refused") >= 1, $"{result}");
        Assert.Equal(["mkdir ENOMEM"], result.Refusals());
        GroupAssert.KernelStayedBelowTheBound(result);
        GroupAssert.NothingWasLeftBehind(result);

        Directory.CreateDirectory(_scratch.File("the-host-works-on"));
    }

    [Fact]
    public async Task A_full_group_that_retries_does_not_hinder_an_unlimited_one()
    {
        string loop = Require.Program("mkdir-loop");
        using AllotRun full = AllotCommand.Start(
            ["--kernel-max", "8M"], [loop, _scratch.Subdirectory("full"), "100000", "100000000", "55"]);
        full.Program.WriteInput("");
        await full.Program.WaitForLineAsync("mkdir ");   // refused for the first time; from here on it only retries

        AllotResult free = AllotCommand.Run([], [loop, _scratch.Subdirectory("free"), "2000"]);
        GroupAssert.ExitedWith(0, free);
        Assert.Equal("2000 ok", free.Run.After("mkdir"));
        Assert.Equal(0, free.Number("notifications.count"));
        Assert.Empty(free.Refusals());

        Assert.Equal(0, LibC.Kill(full.Program.Id, SignalNumber.SIGTERM));
        AllotResult ended = await full.WaitForEndAsync();
        GroupAssert.ExitedWith(128 + SignalNumber.SIGTERM, ended);
        Assert.True(ended.Number("kernel.refused") > 1, $"{ended}");
        GroupAssert.KernelStayedBelowTheBound(ended);
        GroupAssert.NothingWasLeftBehind(ended);
    }

    [Fact]
    public void A_loop_that_ignores_the_refusal_gets_no_further()
    {
        AllotResult result = AllotCommand.Run(
            ["--kernel-max", "4M"], [Require.Program("mkdir-loop"), _scratch.Subdirectory("deep"), "100000", "2000"]);
        GroupAssert.ExitedWith(1, result);
        string[] extra = result.Run.After("extra")!.Split(' ');   // 2000 ok 3 refused 1997 ENOMEM
        Assert.InRange(long.Parse(extra[2]), 0, 20);
        Assert.Equal(2000, long.Parse(extra[2]) + long.Parse(extra[4]));
        Assert.Equal("ENOMEM", extra[5]);
        Assert.Equal(1 + long.Parse(extra[4]), result.Number("kernel.refused"));
        GroupAssert.KernelStayedBelowTheBound(result);
    }

    [Theory, InlineData("2M", true), InlineData("16M", false)]
    public void The_loop_of_a_shell_ends(string max, bool isRefused)
    {
        // A shell gives up by itself at PATH_MAX, some 2,000 levels deep. That is too early to need 16 MiB.
        AllotResult result = AllotCommand.Run(
            ["--kernel-max", max], ["sh", "-c", "while mkdir x; do cd x; done"],
            new RunOptions { WorkingDirectory = _scratch.Path });
        Assert.False(result.Run.TimedOut, $"{result}");
        GroupAssert.KernelStayedBelowTheBound(result);
        GroupAssert.NothingWasLeftBehind(result);
        if (!isRefused) return;

        Assert.True(result.Number("kernel.refused") >= 1, $"{result}");
        Assert.All(result.Refusals(), static row => Assert.True(row is
            "execve ENOMEM" or "mkdir ENOMEM" or "openat ENOMEM" or "clone EAGAIN" or "fork EAGAIN" or "vfork EAGAIN", row));
        Assert.Matches("Cannot allocate memory|Cannot fork", result.Run.Error);
    }

    [Fact]
    public void Memory_that_the_kernel_can_take_back_refuses_nobody()
    {
        // Names that do not exist fill the cache of names, which no filter sees, to more than the limit.
        const string Script = """
            import os
            for i in range(70000):
                try: os.stat(f"a-name-that-is-long-enough-to-need-an-allocation-of-its-own-{i}")
                except FileNotFoundError: pass
            for i in range(300): os.mkdir(f"d{i}")
            for i in range(10000):
                os.close(os.open(f"f{i}", os.O_CREAT | os.O_WRONLY))
                os.unlink(f"f{i}")
            print("done")
            """;
        AllotResult result = AllotCommand.Run(
            ["--kernel-max", "12M"], [Require.Python(), "-c", Script],
            new RunOptions { WorkingDirectory = _scratch.Path });
        GroupAssert.ExitedWith(0, result);
        Assert.Equal("done\n", result.Run.Output);
        Assert.Equal(0, result.Number("kernel.refused"));
        Assert.True(result.Number("notifications.count") > 10_000, $"{result}");
    }

    [Fact]
    public void Far_from_the_limit_the_kernel_is_rarely_asked()
    {
        AllotResult result = AllotCommand.Run(
            ["--kernel-max", "1G"], [Require.Program("mkdir-loop"), _scratch.Subdirectory("deep"), "8000"]);
        GroupAssert.ExitedWith(0, result);
        Assert.True(result.Number("notifications.count") >= 8000, $"{result}");

        // Ten readings a second are the display's; the limit itself needs next to none.
        long samples = (long)(result.Element("duration_ms").GetDouble() / 100);
        Assert.InRange(result.Number("kernel.readings")!.Value, 1, samples + 10);
    }

    [Fact]
    public void Near_the_limit_the_kernel_is_asked_as_the_room_demands()
    {
        AllotResult result = AllotCommand.Run(
            ["--kernel-max", "8M"], [Require.Program("mkdir-loop"), _scratch.Subdirectory("deep"), "100000"]);
        GroupAssert.ExitedWith(1, result);

        // Each reading gives back what the estimates held too much: the room shrinks by a constant share per reading, so
        // there are as many as it takes to go from 8 MiB to a page in such steps, and one a call only at the very end.
        long samples = (long)(result.Element("duration_ms").GetDouble() / 100);
        Assert.InRange(result.Number("kernel.readings")!.Value, 10, samples + 120);
    }

    [Fact]
    public async Task A_limit_that_is_raised_lets_the_loop_go_on()
    {
        string output = _scratch.File("output");
        string loop = Require.Program("mkdir-loop");
        using ProcessGroup group = ProcessGroup.Start(new ProcessGroupOptions
        {
            Command = ["sh", "-c", "exec \"$0\" \"$1\" 100000 100000000 50 >\"$2\" 2>&1", loop, _scratch.Subdirectory("deep"), output],
            KernelMaxBytes = 4 << 20,
            Launcher = [AllotCommand.HostPath],
        });
        await Until(() => File.Exists(output) && File.ReadAllText(output).Contains("mkdir ", StringComparison.Ordinal));
        Assert.True(group.Group.Kernel.CurrentBytes <= 4 << 20, "The group never passes its limit by a charge.");

        long refused = group.Group.ReadEvents().KernelMax;
        group.Group.Kernel.MaxBytes = 8 << 20;
        await Until(() => group.Group.ReadEvents().KernelMax > refused + 100);   // full again

        Assert.True(group.SendSignal(SignalNumber.SIGTERM));
        ProcessGroupReport report = group.WaitForExit();
        Assert.Equal(SignalNumber.SIGTERM, report.Signal);
        Assert.InRange(report.Kernel.PeakBytes!.Value, 6 << 20, (8 << 20) + GroupAssert.KernelLagBytes);
        Assert.True(report.Kernel.Refused > 0);
        Assert.True(report.Cgroup!.Removed);
        Assert.Equal(0, group.Group.Kernel.CurrentBytes);
    }

    private static async Task Until(Func<bool> condition)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(40));
        while (!condition()) await Task.Delay(20, patience.Token);
    }
}
