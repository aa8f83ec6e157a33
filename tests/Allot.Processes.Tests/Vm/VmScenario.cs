namespace Allot.Processes.Tests.Vm;

/// <summary>
/// One thing to do in the test machine: a shell script, run by busybox in an empty directory, with the test programs
/// and <c>allot</c> in PATH. A JSON report written to <c>$REPORT</c> comes back with the result.
/// </summary>
internal sealed record VmScenario(string Name, string Script)
{
    /// <summary>The script and everything it started is killed after this time.</summary>
    public int LimitSeconds { get; init; } = 60;
}
