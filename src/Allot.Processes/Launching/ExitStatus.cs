namespace Allot.Processes.Launching;

/// <summary>How a process ended: with an exit code, or by a signal.</summary>
/// <param name="Code">The exit code; 0 when a signal ended it.</param>
/// <param name="Signal">The signal; 0 when it exited by itself.</param>
internal readonly record struct ExitStatus(int Code, int Signal)
{
    /// <summary>What a shell reports: the code, or 128 plus the signal.</summary>
    public int ShellCode => Signal == 0 ? Code : 128 + Signal;

    /// <inheritdoc/>
    public override string ToString() => Signal == 0 ? $"exit code {Code}" : $"signal {Signal}";
}
