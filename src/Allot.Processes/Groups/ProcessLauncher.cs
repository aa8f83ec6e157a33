using Allot.Processes.Launching;

namespace Allot.Processes;

/// <summary>The hidden mode of a program that runs commands in groups: it starts itself again, and that second
/// process joins
/// the group, installs the filter and becomes the command.</summary>
public static class ProcessLauncher
{
    /// <summary>Call this first in <c>Main</c>, before anything else is set up.</summary>
    /// <param name="args">The arguments of <c>Main</c>.</param>
    /// <param name="exitCode">When true is returned: what <c>Main</c> must return at once.</param>
    /// <returns>False when the program was started by a person. True when it was started as a launcher and could not
    /// become
    /// the command; when it could, the call does not return.</returns>
    public static bool TryRun(string[] args, out int exitCode)
    {
        ArgumentNullException.ThrowIfNull(args);
        exitCode = 0;
        if (!LauncherMode.IsRequested(args)) return false;
        exitCode = LauncherMode.Run(args);
        return true;
    }
}
