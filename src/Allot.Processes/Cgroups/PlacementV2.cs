// Where a version 2 group can be made. The kernel's rule: a cgroup other than the root has either processes or children
// with the memory controller, never both. Our rule: no process but ourselves is ever moved. That leaves three places:
//
//   1. we are in the root of the hierarchy:  ROOT/group              (the root is exempt from the kernel's rule)
//   2. we are alone in our cgroup:           OWN/supervisor, OWN/group   (we move down into the leaf 'supervisor')
//   3. others are here, or 2 was refused:    PARENT/group            (if the parent gives memory to its children)
//
// 2 comes before 3 because a cgroup that was delegated to us is ours to divide, while its parent belongs to its
// manager.
// Every attempt is undone when a later step of it fails.

namespace Allot.Processes.Cgroups;

internal sealed class PlacementV2(CgroupHome home, string name, ICgroupFiles files)
{
    private const string SupervisorPrefix = "allot-supervisor.";
    private const int ShownPidsMax = 3;

    private readonly List<string> _refusals = [];
    private int _lastErrno;

    /// <exception cref="CgroupUnavailableException">None of the three places is to be had.</exception>
    internal Placement Make()
    {
        // Only the true root has no cgroup.type; the root of a cgroup namespace has one, and is bound by the rule.
        if (!files.Exists($"{home.Directory}/cgroup.type"))
            return MakeInRoot() ?? throw CgroupAdvice.NoPlace(home, _refusals, _lastErrno, files);

        // A second group of this process: it is in its leaf already, and the first group's place is the right one.
        bool inOwnLeaf = Path.GetFileName(home.Directory).StartsWith(SupervisorPrefix, StringComparison.Ordinal);
        return (inOwnLeaf ? MakeBesideUs() : MakeBelowUs())
            ?? (inOwnLeaf ? MakeBelowUs() : MakeBesideUs())
            ?? throw CgroupAdvice.NoPlace(home, _refusals, _lastErrno, files);
    }

    private Placement? MakeInRoot()
    {
        var undo = new UndoList(files);
        string group = $"{home.Directory}/{name}";
        if (!MakeDirectory(group, undo)) return null;
        // Never switched off again: by the time we leave, others may rely on it.
        if (!CgroupWords.Contain(files.Read(SubtreeControl(home.Directory)), "memory")
            && !Enable(home.Directory)) return GiveUp(undo);
        return HasMemoryFiles(group) ? new Placement(group, new UndoList(files)) : GiveUp(undo);
    }

    private Placement? MakeBelowUs()
    {
        string own = home.Directory;
        if (!CgroupWords.Contain(files.Read($"{own}/cgroup.controllers"), "memory"))
            return Refuse($"the memory controller is not enabled for our cgroup '{own}'.");
        IReadOnlyList<int> members = CgroupWords.Pids(files.Read($"{own}/cgroup.procs"));
        IReadOnlyList<int> others = [.. members.Where(pid => pid != files.OwnPid)];
        if (others.Count > 0)
            return Refuse($"our cgroup '{own}' holds {others.Count} other " +
                $"{(others.Count == 1 ? "process" : "processes")} ({Shown(others)}), and no cgroup " +
                "may have both processes and children with the memory controller.");

        var leafUndo = new UndoList(files);
        string leaf = $"{own}/{SupervisorPrefix}{files.OwnPid}";
        if (!MakeDirectory(leaf, leafUndo)) return null;
        string group = $"{own}/{name}";
        var groupUndo = new UndoList(files);
        if (!MakeDirectory(group, groupUndo)) return GiveUp(leafUndo);

        // "0" is the writing process itself, with all its threads.
        if (!Write($"{leaf}/cgroup.procs", "0")) return GiveUp(groupUndo, leafUndo);
        leafUndo.Add(leaf, () => files.Write($"{own}/cgroup.procs", "0"));
        if (!Enable(own)) return GiveUp(groupUndo, leafUndo);
        leafUndo.Add(SubtreeControl(own), () => files.Write(SubtreeControl(own), "-memory"));
        return HasMemoryFiles(group) ? new Placement(group, leafUndo) : GiveUp(groupUndo, leafUndo);
    }

    private Placement? MakeBesideUs()
    {
        if (home.Directory == home.MountPoint) return Refuse("the parent of our cgroup is not visible here.");
        string parent = Path.GetDirectoryName(home.Directory)!;
        if (!CgroupWords.Contain(files.Read(SubtreeControl(parent)), "memory"))
            return Refuse($"'{SubtreeControl(parent)}' does not enable memory (as root: echo +memory > it).");
        var undo = new UndoList(files);
        string group = $"{parent}/{name}";
        if (!MakeDirectory(group, undo)) return null;
        return HasMemoryFiles(group) ? new Placement(group, new UndoList(files)) : GiveUp(undo);
    }

    private bool MakeDirectory(string path, UndoList undo)
    {
        int errno = files.MakeDirectory(path);
        if (errno == 0)
        {
            undo.Add(path, () => files.RemoveDirectory(path));
            return true;
        }
        _lastErrno = errno;
        Refuse(CgroupAdvice.Refusal(home, path, errno, files));
        return false;
    }

    private bool Enable(string directory) => Write(SubtreeControl(directory), "+memory");

    private bool Write(string path, string text)
    {
        int errno = files.Write(path, text);
        if (errno == 0) return true;
        _lastErrno = errno;
        Refuse($"writing '{text}' to '{path}' failed: {files.Message(errno)}.");
        return false;
    }

    private bool HasMemoryFiles(string group)
    {
        if (files.Exists($"{group}/memory.max")) return true;
        Refuse($"'{group}' came without memory.max, as in a threaded cgroup.");
        return false;
    }

    private Placement? Refuse(string why)
    {
        _refusals.Add(why);
        return null;
    }

    private Placement? GiveUp(params ReadOnlySpan<UndoList> undos)
    {
        foreach (UndoList undo in undos)
            if (undo.Run() is { IsRemoved: false } left) _refusals.Add(left.ToString() + ".");
        return null;
    }

    private static string SubtreeControl(string directory) => $"{directory}/cgroup.subtree_control";

    private static string Shown(IReadOnlyList<int> pids) =>
        "pid " + string.Join(", ", pids.Take(ShownPidsMax)) + (pids.Count > ShownPidsMax ? ", ..." : "");
}
