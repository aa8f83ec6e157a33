using System.Runtime.InteropServices;
using Allot.Processes.Launching;
using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Launching;

/// <summary>The hidden mode, when it is not Allot that asks for it, or asks for nonsense.</summary>
public sealed class LauncherModeTests
{
    // Starts a launcher as Allot does, and says to it what the second argument has in hexadecimal.
    private const string Supervisor = """
        import os, socket, subprocess, sys
        ours, theirs = socket.socketpair()
        environment = dict(os.environ, ALLOT_IS_LAUNCHER="1")
        launcher = subprocess.Popen([sys.argv[1], "__launch", str(theirs.fileno())], pass_fds=[theirs.fileno()], env=environment)
        theirs.close()
        try: ours.sendall(bytes.fromhex(sys.argv[2]))
        except BrokenPipeError: pass
        sys.exit(launcher.wait())
        """;

    public LauncherModeTests() => Require.Linux();

    public static TheoryData<string, string> MalformedPlans => new()
    {
        { "empty", Message([]) },
        { "half a header", Message(new byte[20]) },
        { "a filter that is not there", Plan(static (ref header) => header.InstructionCount = 1) },
        { "too long a filter", Plan(static (ref header) => header.InstructionCount = int.MaxValue) },
        { "a filter of negative length", Plan(static (ref header) => header.InstructionCount = -1) },
        { "cgroups that are not there", Plan(static (ref header) => header.CgroupCount = 2) },
        { "a negative number of cgroups", Plan(static (ref header) => header.CgroupCount = -1) },
        { "no command", Plan(static (ref header) => (header.ArgumentCount, header.EnvironmentCount) = (0, 1)) },
        { "sums that overflow", Plan(static (ref header) => header.CgroupCount = header.EnvironmentCount = int.MaxValue) },
        { "a string without its end", Message([.. Header(static (ref _) => { }), (byte)'a']) },
        { "a negative length", Convert.ToHexString(BitConverter.GetBytes(-1)) },
        { "a length beyond all measure", Convert.ToHexString(BitConverter.GetBytes(int.MaxValue)) },
    };

    [Theory, MemberData(nameof(MalformedPlans))]
    public void A_plan_that_is_malformed_is_refused_with_a_message(string what, string message)
    {
        RunResult result = ProcessRunner.Run(Require.Python(), ["-c", Supervisor, AllotCommand.HostPath, message]);
        Assert.True(result.ExitCode == 125, $"{what}: {result}");
        Assert.StartsWith("allot: the launcher was given a plan that it does not understand", result.Error, StringComparison.Ordinal);
        Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void A_plan_that_is_well_formed_is_one()
    {
        byte[] message = PlanMessage.Encode(new LaunchPlan { Command = ["a", ""], CgroupProcsFiles = ["/c"] }, [[.. "A=B"u8]]);
        Assert.True(PlanMessage.IsWellFormed(message.AsSpan(sizeof(int))));
    }

    [Theory]
    [InlineData("x", false)]
    [InlineData("999999", false)]
    [InlineData("0", false)]
    [InlineData("3", false)]
    [InlineData("4", true)]
    [InlineData("5", true)]
    [InlineData("99999999999", true)]
    public void Typed_by_hand_it_says_what_it_is_for(string descriptor, bool marked)
    {
        RunResult result = AllotCommand.Invoke(["__launch", descriptor], new RunOptions
        {
            TimeLimit = TimeSpan.FromSeconds(20),
            Environment = new Dictionary<string, string?> { ["ALLOT_IS_LAUNCHER"] = marked ? "1" : null },
        });
        Assert.False(result.TimedOut);
        Assert.Equal(125, result.ExitCode);
        Assert.Equal("allot: '__launch' is how Allot starts itself; use 'allot run'.\n", result.Error);
    }

    // One argument, "a", and no environment; then what the change makes of it.
    private static string Plan(HeaderChange change) => Message([.. Header(change), (byte)'a', 0]);

    private static byte[] Header(HeaderChange change)
    {
        var header = new PlanMessage.Header { ArgumentCount = 1 };
        change(ref header);
        return MemoryMarshal.AsBytes(new ReadOnlySpan<PlanMessage.Header>(in header)).ToArray();
    }

    private static string Message(byte[] body) =>
        Convert.ToHexString([.. BitConverter.GetBytes(body.Length), .. body]);

    private delegate void HeaderChange(ref PlanMessage.Header header);
}
