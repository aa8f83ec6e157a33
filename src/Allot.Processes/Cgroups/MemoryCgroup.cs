// A memory cgroup that this process made for a command and its descendants: the kernel measures, Allot decides.
//
// How exact the numbers are:
//   version 1  memory.kmem.usage_in_bytes is a counter that every charge of kernel pages goes through: what it says is
//              true at that instant, to the remainder of a page that each processor keeps of small objects (less than
//              two pages per processor).
//   version 2  memory.stat is gathered from per-processor deltas: it may miss up to 64 pages per processor for up to
//              2 seconds, plus the same remainder. memory.current and memory.peak are counters, but each includes up
//              to 64 pages per processor that were taken in advance.
//
// Use from one thread at a time: every reading reuses the buffer of its file.

using Allot.Processes.Native;
using Allot.Processes.Observation;
using Microsoft.Win32.SafeHandles;

namespace Allot.Processes.Cgroups;

internal abstract class MemoryCgroup : IDisposable
{
    private readonly CgroupTree _tree;
    private readonly UndoList _undo;
    private RemoveResult? _removed;
    private SafeFileHandle? _owned;

    protected MemoryCgroup(string path, UndoList undo)
    {
        Path = path;
        _tree = new CgroupTree(path);
        _undo = undo;
    }

    internal abstract int Version { get; }

    /// <summary>Its directory.</summary>
    internal string Path { get; }

    /// <summary>The file to which a process writes "0" to join.</summary>
    internal string ProcsFile => $"{Path}/cgroup.procs";

    /// <summary>Makes "allot-NAME.PID.RANDOM" below or beside our own cgroup; see PlacementV2 for where.</summary>
    /// <param name="name">Part of the directory's name: not empty, no slash, no control character.</param>
    /// <param name="needsKernelBytes">Whether <see cref="ReadKernelBytes"/> must work.</param>
    /// <exception cref="ArgumentException">The name is not usable.</exception>
    /// <exception cref="CgroupUnavailableException">It cannot be made here; nothing was left behind.</exception>
    internal static MemoryCgroup Create(string name, bool needsKernelBytes = true)
    {
        const int SweepsMet = 8;   // one in a row is rare already
        for (int attempt = 1; ; attempt++)
        {
            MemoryCgroup group = Create(name, needsKernelBytes, KernelCgroupFiles.Instance);
            group._owned = AbandonedCgroups.TryOwn(group.Path);
            if (group._owned is null && attempt < SweepsMet)
            {
                group.Dispose();
                continue;
            }

            AbandonedCgroups.Sweep(System.IO.Path.GetDirectoryName(group.Path)!);
            return group;
        }
    }

    internal static MemoryCgroup Create(string name, bool needsKernelBytes, ICgroupFiles files)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        if (name.Contains('/', StringComparison.Ordinal) || name.Any(char.IsControl) || name.Length > 64)
            throw new ArgumentException(
                $"'{name}' cannot be the name of a cgroup: at most 64 characters, no slash, no control character.",
                nameof(name));

        CgroupHome home = CgroupHome.Find(files);
        if (needsKernelBytes && CgroupWords.HasBootOption(files.Read("/proc/cmdline"), "cgroup.memory", "nokmem"))
            throw CgroupAdvice.NoKernelMemoryCounter(home, disabledAtBoot: true);
        Placement placement = Placement.Make(home, AbandonedCgroups.NewName(name, files.OwnPid), files);
        MemoryCgroup group = home.Version == 1
            ? new MemoryCgroupV1(placement.Directory, placement.Undo)
            : new MemoryCgroupV2(placement.Directory, placement.Undo);
        if (!needsKernelBytes || group.CountsKernelBytes) return group;
        group.Dispose();
        throw CgroupAdvice.NoKernelMemoryCounter(home, disabledAtBoot: false);
    }

    /// <summary>Whether the kernel tells kernel memory apart.</summary>
    internal abstract bool CountsKernelBytes { get; }

    /// <summary>Kernel memory charged to the group and the groups below it. Does not allocate.</summary>
    /// <exception cref="NotSupportedException"><see cref="CountsKernelBytes"/> is false.</exception>
    internal abstract long ReadKernelBytes();

    /// <summary>The highest kernel memory ever, or null where the kernel does not keep it. Does not allocate.</summary>
    internal abstract long? ReadKernelPeakBytes();

    /// <summary>All memory, kernel memory included. Does not allocate.</summary>
    internal abstract long ReadMemoryBytes();

    /// <summary>The highest memory ever, or null where the kernel does not keep it. Does not allocate.</summary>
    internal abstract long? ReadMemoryPeakBytes();

    /// <summary>Sets the kernel's own limit; <see cref="long.MaxValue"/> lifts it. The kernel rounds down to
    /// pages.</summary>
    /// <exception cref="IOException">The kernel refused, with its reason.</exception>
    internal abstract void SetMemoryMax(long bytes);

    /// <summary>How often the limit was met, in the group and the groups below it.</summary>
    internal abstract OomEvents ReadOomEvents();

    /// <summary>The parts of kernel memory that the cgroup itself tells. May allocate: for reports.</summary>
    internal abstract IReadOnlyList<(string Kind, long Bytes)> ReadKernelByKind();

    /// <summary>
    /// Asks the kernel to reclaim from the group, and returns by how much its kernel memory fell (0 when it grew
    /// meanwhile). Blocks until the kernel has tried and the result can be seen: some 30 to 60 ms, or more in a group
    /// of gigabytes.
    /// </summary>
    /// <remarks>
    /// Directory entries and inodes are freed by RCU: their pages are still charged when the kernel says that it is
    /// done, and are given back after a grace period or two. So the reading waits for them.
    /// </remarks>
    internal long Reclaim(long bytes)
    {
        const int GracePeriodsMin = 2, GracePeriodsMax = 4;
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        if (!CountsKernelBytes)
        {
            ReclaimCore(bytes);
            return 0;
        }
        long before = ReadKernelBytes();
        ReclaimCore(bytes);
        long now = ReadKernelBytes();
        for (int waited = 1; waited <= GracePeriodsMax && before - now < bytes; waited++)
        {
            ProcFiles.WaitForGracePeriod();
            long last = now;
            now = ReadKernelBytes();
            if (waited >= GracePeriodsMin && now >= last) break;
        }
        return Math.Max(0, before - now);
    }

    protected abstract void ReclaimCore(long bytes);

    /// <summary>
    /// Replaces the contents of <paramref name="pids"/> by the processes of the group and of the groups below it
    /// (the command may make some). Processes of a pid namespace that we cannot see are left out. Allocates only if the
    /// list grows or there are groups below.
    /// </summary>
    internal void ReadMembers(List<int> pids) => _tree.ReadMembers(pids);

    /// <summary>Kills every member with SIGKILL. True when the group is empty afterwards.</summary>
    internal bool TryKillAll() => _tree.TryKillAll();

    /// <summary>
    /// Removes the group with everything below it, and undoes what its making changed. Waits a moment for members that
    /// are dying, but kills nobody. May be called again when it failed.
    /// </summary>
    internal RemoveResult Remove()
    {
        if (_removed is { IsRemoved: true }) return RemoveResult.Done;
        RemoveResult result = _tree.Remove();
        if (result.IsRemoved) result = _undo.Run();
        _removed = result;
        return result;
    }

    /// <summary>Removes the group if that was not done yet, and closes its files.</summary>
    public void Dispose()
    {
        if (_removed is null) Remove();
        CloseFiles();
        _owned?.Dispose();
    }

    protected abstract void CloseFiles();

    protected void WriteLimit(string file, string text, long bytes)
    {
        int errno = KernelCgroupFiles.WriteText($"{Path}/{file}", text);
        if (errno == 0) return;
        string hint = errno == Errno.EBUSY ? " The group uses more than that, and it could not be reclaimed." : "";
        throw new IOException($"Cannot set '{Path}/{file}' to {bytes} bytes: {Errno.Message(errno)}.{hint}");
    }
}
