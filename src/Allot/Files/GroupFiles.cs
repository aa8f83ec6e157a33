// The directory of a group. What a file says and does is in the class of that file; this is the list of them.
//
// The shape is that of a cgroup version 2 directory. Two things differ: the limit of kernel memory, which version 2
// does not have, goes by its version 1 names, and pins by those of the controller that was proposed for them.

namespace Allot;

/// <summary>The control files of one group.</summary>
/// <remarks>All members may be used from any thread. A file of a group that was removed is an error, as in the
/// kernel.</remarks>
public sealed class GroupFiles
{
    // In the order of their names. A new file is one class and one line here.
    private static readonly FileEntry[] s_entries =
    [
        new("cgroup.stat", group => new CgroupStatFile(group), IsOnRoot: true),
        new("memory.current", group => new MemoryCurrentFile(group)),
        new("memory.events", group => new MemoryEventsFile(group)),
        new("memory.events.local", group => new MemoryEventsLocalFile(group)),
        new("memory.high", group => new MemoryHighFile(group)),
        new("memory.kmem.failcnt", group => new KernelFailuresFile(group)),
        new("memory.kmem.limit_in_bytes", group => new KernelLimitFile(group)),
        new("memory.kmem.max_usage_in_bytes", group => new KernelPeakFile(group)),
        new("memory.kmem.usage_in_bytes", group => new KernelUsageFile(group)),
        new("memory.low", group => new MemoryLowFile(group)),
        new("memory.max", group => new MemoryMaxFile(group)),
        new("memory.min", group => new MemoryMinFile(group)),
        new("memory.oom.group", group => new MemoryOomGroupFile(group)),
        new("memory.peak", group => new MemoryPeakFile(group)),
        new("memory.pressure", group => new MemoryPressureFile(group), IsOnRoot: true),
        new("memory.reclaim", group => new MemoryReclaimFile(group), IsOnRoot: true),
        new("memory.stat", group => new MemoryStatFile(group), IsOnRoot: true),
        new("pins.current", group => new PinsCurrentFile(group)),
        new("pins.events", group => new PinsEventsFile(group)),
        new("pins.max", group => new PinsMaxFile(group)),
        new("pins.peak", group => new PinsPeakFile(group)),
        new("pins.stat", group => new PinsStatFile(group)),
    ];

    private static readonly string[] s_names = [.. s_entries.Select(entry => entry.Name)];
    private static readonly string[] s_namesOnRoot =
        [.. s_entries.Where(entry => entry.IsOnRoot).Select(entry => entry.Name)];

    private readonly MemoryGroup _group;

    internal GroupFiles(MemoryGroup group) => _group = group;

    /// <summary>The names of the files, in order. The root has fewer, as in Linux; a removed group has none.</summary>
    public IReadOnlyList<string> Names => _group switch
    {
        { State: MemoryGroupState.Offline } => [],
        { Parent: null } => s_namesOnRoot.AsReadOnly(),
        _ => s_names.AsReadOnly(),
    };

    /// <summary>Reads a file.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <returns>The whole text, as the kernel would write it: with a newline at the end.</returns>
    /// <exception cref="GroupFileException">There is no such file, it can only be written, or the group was
    /// removed.</exception>
    public string Read(string name)
    {
        using GroupFile file = Open(name);
        return file.Read();
    }

    /// <summary>Writes a file, as <c>echo text &gt; name</c> does. What the file keeps for an open handle only, such as
    /// the start of a peak, ends with this call.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="text">What to write. White space around it is ignored.</param>
    /// <returns>The bytes that the write made reclaimers give back: see <see cref="GroupFile.Write"/>.</returns>
    /// <exception cref="GroupFileException">There is no such file, it can only be read, the text is not one that it
    /// takes, what it asks for cannot be had, or the group was removed.</exception>
    public long Write(string name, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        using GroupFile file = Open(name);
        return file.Write(text);
    }

    /// <summary>Opens a file, to read and write it again and again, or for a peak of one's own.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <returns>A handle of its own, however many others there are. Dispose it.</returns>
    /// <exception cref="GroupFileException">There is no such file, or the group was removed.</exception>
    public GroupFile Open(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (_group.State == MemoryGroupState.Offline) throw GroupFileException.Removed(_group, name);
        FileEntry? entry = Array.Find(s_entries, entry => entry.Name == name);
        if (entry is null) throw GroupFileException.Unknown(_group, name, Names);
        if (_group.Parent is null && !entry.IsOnRoot) throw GroupFileException.NotOnRoot(_group, name, Names);
        return entry.Open(_group);
    }

    /// <summary>A file that every group has, or every group but the root.</summary>
    private sealed record FileEntry(string Name, Func<MemoryGroup, GroupFile> Open, bool IsOnRoot = false);
}
