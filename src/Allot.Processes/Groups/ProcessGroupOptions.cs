namespace Allot.Processes;

/// <summary>A command, and the limits of the group it runs in. A limit that is not set costs nothing.</summary>
public sealed class ProcessGroupOptions
{
    /// <summary>The command and its arguments. Without a slash the command is searched in PATH.</summary>
    public required IReadOnlyList<string> Command { get; init; }

    /// <summary>The group's name: 1 to 64 characters, no slash, no control character. Default: the command's file name.
    /// </summary>
    public string? Name { get; init; }

    /// <summary>The group above: a call is refused when the group or one above it has no room, so several commands can
    /// share a limit. Default: the root of a tree of its own.</summary>
    /// <remarks>A limit that is set only above intercepts nothing here: set this group's own as well.</remarks>
    public MemoryGroup? Parent { get; init; }

    /// <summary>The most memory of all kinds, in bytes: the kernel's own limit of the cgroup. Default: no
    /// limit.</summary>
    public long MemoryMaxBytes { get; init; } = MemoryGroup.Unlimited;

    /// <summary>The most kernel memory, in bytes. Default: no limit.</summary>
    public long KernelMaxBytes { get; init; } = MemoryGroup.Unlimited;

    /// <summary>The most locked and pinned memory together, in bytes. Default: no limit.</summary>
    public long PinsMaxBytes { get; init; } = MemoryGroup.Unlimited;

    /// <summary>Whether the command may have io_uring rings under a kernel memory limit. Default: no.</summary>
    /// <remarks>What is submitted through a ring never passes a filter, so with rings the limit is only
    /// observed.</remarks>
    public bool AllowsIoUring { get; init; }

    /// <summary>Whether every child and orphan of this program belongs to the group. Matters only without a cgroup,
    /// where members are found by descent. Default: no.</summary>
    /// <remarks>With it, orphans of the command are found too, and ended with the group (until then this process is
    /// their parent, a child subreaper): right for a program that has no other children. Without it, members are the
    /// descendants of the command, and one whose parent has died is no longer found.</remarks>
    public bool OwnsAllDescendants { get; init; }

    /// <summary>How long members that outlive the command have to end after SIGTERM, before SIGKILL. Default: 1 second.
    /// </summary>
    public TimeSpan LeftoverGrace { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The program and first arguments that start a launcher: a program whose <c>Main</c> begins with
    /// <see cref="ProcessLauncher.TryRun"/>. Default: this program.</summary>
    public IReadOnlyList<string>? Launcher { get; init; }

    /// <summary>Told, one line at a time, what is done. Default: nobody is told.</summary>
    public Action<string>? Log { get; init; }

    internal bool LimitsKernel => KernelMaxBytes != MemoryGroup.Unlimited;

    internal bool LimitsPins => PinsMaxBytes != MemoryGroup.Unlimited;

    internal bool LimitsMemory => MemoryMaxBytes != MemoryGroup.Unlimited;

    internal string EffectiveName
    {
        get
        {
            if (Name is not null) return Name;
            string file = System.IO.Path.GetFileName(Command[0]);
            bool fits = file.Length is > 0 and <= 64 && file is not ("." or "..") && !file.Any(char.IsControl);
            return fits ? file : "command";
        }
    }
}
