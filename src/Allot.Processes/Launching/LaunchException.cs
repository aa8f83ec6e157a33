namespace Allot.Processes.Launching;

/// <summary>A command could not be launched. Nothing of it runs, and its launcher has been reaped.</summary>
internal sealed class LaunchException : Exception
{
    public LaunchException(LaunchStage stage, int errno, string message)
        : base(message)
    {
        Stage = stage;
        Errno = errno;
    }

    /// <summary>The step that failed.</summary>
    public LaunchStage Stage { get; }

    /// <summary>The error number; 0 when the step failed without one, as when the launcher was killed.</summary>
    public int Errno { get; }

    internal static LaunchException ForStage(LaunchStage stage, int errno, string what) =>
        new(stage, errno, $"{what}: {Native.Errno.Describe(errno)}.");
}
