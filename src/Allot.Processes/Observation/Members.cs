// Who is in a group. With a cgroup the kernel keeps the list. Without one (no privilege) the group is the descendants
// of the supervisor, which has made itself a child subreaper, so that orphans become its children and none is lost.

using System.Buffers.Text;

namespace Allot.Processes.Observation;

/// <summary>The source of the pids of a group.</summary>
internal interface IMembers
{
    /// <summary>Replaces the contents of <paramref name="pids"/>. A snapshot: members come and go while it is
    /// taken.</summary>
    void Read(List<int> pids);
}

/// <summary>The descendants of one process, with or without itself, zombies included. Reads /proc/PID/stat of every
/// process of the machine: about 5 µs each. Not thread-safe; allocates only while its tables grow.</summary>
/// <remarks>
/// A process that is born during the walk may be missing until the next one. A process whose parent dies during the
/// walk is not: when the recorded parent is unknown, its parent is read again.
/// </remarks>
internal sealed class DescendantMembers(int ancestorPid, bool includesItself = false) : IMembers
{
    private const int RereadsMax = 8;

    private readonly List<int> _seen = [];
    private readonly Dictionary<int, int> _parents = [];
    private readonly Dictionary<int, bool> _isDescendant = [];
    private readonly List<int> _climbed = [];

    public void Read(List<int> pids)
    {
        pids.Clear();
        ReadAllProcesses();
        _isDescendant.Clear();
        _isDescendant[ancestorPid] = true;
        foreach (int pid in _seen)
            if (pid == ancestorPid ? includesItself : IsDescendant(pid)) pids.Add(pid);
    }

    private void ReadAllProcesses()
    {
        _seen.Clear();
        _parents.Clear();
        int directory = ProcFiles.Open("/proc\0"u8);
        if (directory < 0) return;
        try
        {
            var entries = new DirectoryEntries(directory, ProcFiles.EntryBuffer);
            while (entries.MoveNext())
            {
                ReadOnlySpan<byte> name = entries.Name;
                if (!Utf8Parser.TryParse(name, out int pid, out int used) || used != name.Length) continue;
                if (!ProcessStart.TryRead(pid, out ProcessStart start)) continue;
                _seen.Add(pid);
                _parents[pid] = start.ParentId;
            }
        }
        finally
        {
            ProcFiles.Close(directory);
        }
    }

    /// <summary>Climbs to the first process whose answer is known; all on the way then have the same answer.</summary>
    private bool IsDescendant(int pid)
    {
        _climbed.Clear();
        int rereadsLeft = RereadsMax;
        bool answer = false;
        // More steps than processes would be a cycle, possible only between stale entries of reused pids.
        while (pid != 0 && _climbed.Count <= _seen.Count + RereadsMax && !_isDescendant.TryGetValue(pid, out answer))
        {
            if (TryGetParent(pid, out int parent))
            {
                _climbed.Add(pid);
                pid = parent;
                continue;
            }
            // It was a parent when its child was read and has died since: ask the child again.
            if (_climbed.Count == 0 || rereadsLeft-- == 0) break;
            pid = _climbed[^1];
            _climbed.RemoveAt(_climbed.Count - 1);
            _parents.Remove(pid);
        }
        foreach (int step in _climbed) _isDescendant[step] = answer;
        return answer;
    }

    private bool TryGetParent(int pid, out int parent)
    {
        if (_parents.TryGetValue(pid, out parent)) return true;
        if (!ProcessStart.TryRead(pid, out ProcessStart start)) return false;   // dead
        parent = start.ParentId;
        _parents[pid] = parent;
        return true;
    }
}
