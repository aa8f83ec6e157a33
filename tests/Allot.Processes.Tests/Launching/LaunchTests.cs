using Allot.Processes.Launching;
using Allot.Processes.Native;
using Allot.Processes.Seccomp;

namespace Allot.Processes.Tests.Launching;

public sealed class LaunchTests : IDisposable
{
    private readonly TestLaunch _launch = new();

    public LaunchTests() => Assert.SkipWhen(TestLaunch.Unsupported is not null, TestLaunch.Unsupported ?? "");

    public void Dispose() => _launch.Dispose();

    [Fact]
    public void A_command_without_a_filter_runs_and_has_no_listener()
    {
        ExitStatus status = _launch.Shell("echo hello; exit 7");
        Assert.Equal(new ExitStatus(7, 0), status);
        Assert.Equal("hello\n", _launch.Output);
        Assert.Null(_launch.Process!.Listener);
    }

    [Fact]
    public void An_intercepted_mkdir_fails_with_the_error_of_the_answer()
    {
        SeccompFilter filter = TestLaunch.Filter("mkdir", "mkdirat");
        ExitStatus status = _launch.Shell("echo before; mkdir /tmp/never-made", filter, static _ => Errno.ENOMEM);
        Assert.Equal(new ExitStatus(1, 0), status);
        Assert.Contains("before", _launch.Output, StringComparison.Ordinal);
        Assert.Contains("Cannot allocate memory", _launch.Output, StringComparison.Ordinal);
    }
}
