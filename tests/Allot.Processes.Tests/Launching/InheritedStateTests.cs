using Allot.Processes.Launching;
using Allot.Processes.Native;

namespace Allot.Processes.Tests.Launching;

public sealed class InheritedStateTests
{
    private const ulong Pipe = 1UL << 12;
    private const ulong Terminate = 1UL << 14;
    private const ulong HangUp = 1UL << 0;
    private const ulong JobControl = 0b111UL << 19;

    [Theory]
    [InlineData("bash", 0, Pipe, 0)] // the runtime's own SIGPIPE
    [InlineData("bash", 0, Pipe | HangUp, HangUp)] // nohup
    [InlineData("sh", Pipe, Pipe, Pipe)] // trap '' PIPE
    [InlineData("systemd", Pipe, Pipe, Pipe)]
    [InlineData("sh", Terminate, Pipe, Terminate)] // trap '' TERM
    [InlineData("bash", Terminate | JobControl, Pipe, 0)] // interactive: for itself only
    [InlineData("python3", Pipe, Pipe, 0)]
    [InlineData("node", Pipe, Pipe, 0)]
    public void Ignored_signals_are_those_of_before_the_runtime(
        string parent, ulong parentIgnores, ulong weIgnore, ulong expected)
    {
        InheritedState state = InheritedState.Infer(
            ["Name:\tallot", $"SigIgn:\t{weIgnore:x16}", "SigBlk:\t0000000000000200"],
            [$"Name:\t{parent}", $"SigIgn:\t{parentIgnores:x16}"],
            [],
            default);
        Assert.Equal(new InheritedState(expected, 0x200, null), state);
    }

    [Theory]
    [InlineData("1024", "524288", 524288, 1024UL)]
    [InlineData("unlimited", "unlimited", ulong.MaxValue, ulong.MaxValue)]
    [InlineData("1024", "4096", 524288, null)] // another hard limit: what was inherited is not known
    [InlineData("x", "524288", 524288, null)]
    public void Open_files_are_the_parents_if_the_hard_limits_agree(
        string soft, string hard, ulong ownHard, ulong? expected)
    {
        string[] limits =
        [
            "Limit                     Soft Limit           Hard Limit           Units     ",
            "Max processes             96365                96365                processes ",
            $"Max open files            {soft,-20} {hard,-20} files     ",
        ];
        var own = new LibC.ResourceLimit { Soft = ownHard, Hard = ownHard };
        Assert.Equal(expected, InheritedState.Infer([], [], limits, own).OpenFilesSoftLimit);
    }

    [Fact]
    public void A_hidden_parent_tells_nothing() =>
        Assert.Equal(new InheritedState(0, 0, null), InheritedState.Infer([], [], [], default));
}
