using System.Text;
using Allot.Processes.Launching;
using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Issues;

// Arguments that are no UTF-8 reached the command with U+FFFD in place of their bytes.
public sealed class ArgumentBytesTests
{
    private const string Script =
        "import os, subprocess, sys\n" +
        "show = 'import os, sys; print(os.fsencode(sys.argv[1]))'\n" +
        "allot = os.fsencode(sys.argv[1])\n" +
        "command = [sys.executable.encode(), b'-c', show.encode(), b'a\\xff\\xfeb\\xc3\\xa9']\n" +
        "sys.exit(subprocess.run([allot, b'run', b'--report', b'none', b'--'] + command).returncode)\n";

    [Fact]
    public void Arguments_reach_the_command_as_bytes()
    {
        RunResult result = ProcessRunner.Run(Require.Python(), ["-c", Script, AllotCommand.HostPath]);
        Assert.Equal("b'a\\xff\\xfeb\\xc3\\xa9'\n", result.Output);
        Assert.Equal(0, result.ExitCode);
    }

    [Fact]
    public void Text_is_encoded_and_our_own_command_line_is_not_asked() =>
        Assert.Equal(
            [[(byte)'a'], [0xc3, 0xa9]],
            CommandArguments.BytesOf(["a", "é"], static () => throw new InvalidOperationException()));

    [Fact]
    public void A_replacement_that_our_command_line_does_not_explain_stays() =>
        Assert.Equal(
            [Encoding.UTF8.GetBytes("x\uFFFD")],
            CommandArguments.BytesOf(["x\uFFFD"], static () => [(byte)'y', 0xff, 0]));

    [Fact]
    public void A_replacement_is_undone_by_what_our_command_line_ends_with() =>
        Assert.Equal(
            [[(byte)'x', 0xff], [(byte)'z']],
            CommandArguments.BytesOf(["x\uFFFD", "z"], static () => [(byte)'r', 0, (byte)'x', 0xff, 0, (byte)'z', 0]));
}
