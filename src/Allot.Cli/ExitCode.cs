namespace Allot.Cli;

/// <summary>What Allot itself exits with; otherwise it exits as the command did. The numbers are those of env and
/// timeout.
/// </summary>
internal static class ExitCode
{
    public const int Success = 0;
    /// <summary>A BPF program was refused, or did not reach its exit.</summary>
    public const int BpfFailed = 1;

    public const int AllotFailed = 125;
    public const int CommandNotExecutable = 126;
    public const int CommandNotFound = 127;
}
