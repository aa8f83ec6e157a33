using Allot.Processes.Seccomp;

namespace Allot.Processes.Launching;

/// <summary>What to launch, and into what.</summary>
internal sealed class LaunchPlan
{
    /// <summary>The command and its arguments. Without a slash it is searched in PATH, as a shell does.</summary>
    public required IReadOnlyList<string> Command { get; init; }

    /// <summary>The <c>cgroup.procs</c> files of the cgroups to join, in this order. Default: none.</summary>
    public IReadOnlyList<string> CgroupProcsFiles { get; init; } = [];

    /// <summary>The filter, which also sets no_new_privs. Default: none, and no listener.</summary>
    public SeccompFilter? Filter { get; init; }

    /// <summary>The program that becomes the command. Default: this program.</summary>
    public LauncherCommand? Launcher { get; init; }

    /// <summary>What .NET changed and the command should not see. Default: found out from <c>/proc</c>.</summary>
    public InheritedState? Inherited { get; init; }
}
