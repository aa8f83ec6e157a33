using Allot.Processes.Cgroups;

namespace Allot.Processes.Tests.Cgroups;

/// <summary>
/// A version 2 hierarchy in memory that keeps the kernel's rules: controllers come from the parent, no cgroup but the
/// root has both processes and controlled children, only empty cgroups are removed. Any operation can be made to fail.
/// </summary>
internal sealed class FakeCgroupFiles : ICgroupFiles
{
    internal const int Pid = 42;
    private const int NoEntry = 2, AccessDenied = 13, Busy = 16, NoSpace = 28, Unsupported = 95;

    private readonly Dictionary<string, Node> _nodes = [];
    private readonly Dictionary<string, string> _files = [];
    private int _operations;

    private sealed class Node
    {
        internal List<int> Pids { get; } = [];
        internal bool GivesMemory { get; set; }
        internal bool IsTrueRoot { get; init; }
        internal bool IsThreaded { get; init; }
        internal bool IsWritable { get; init; } = true;
    }

    public bool IsRoot { get; init; }
    public int OwnPid => Pid;

    /// <summary>The changing operation that fails, counted from 1; 0: none.</summary>
    internal int FailAt { get; init; }

    internal int Operations => _operations;

    internal FakeCgroupFiles File(string path, string text)
    {
        _files[path] = text;
        return this;
    }

    internal FakeCgroupFiles Cgroup(
        string path, bool trueRoot = false, bool givesMemory = false, bool writable = true, bool threaded = false, params int[] pids)
    {
        var node = new Node { IsTrueRoot = trueRoot, IsWritable = writable, GivesMemory = givesMemory, IsThreaded = threaded };
        node.Pids.AddRange(pids);
        _nodes[path] = node;
        return this;
    }

    /// <summary>Everything that can be seen, for comparing before and after.</summary>
    internal string Snapshot() => string.Join("\n", _nodes.OrderBy(pair => pair.Key, StringComparer.Ordinal)
        .Select(pair => $"{pair.Key} memory={pair.Value.GivesMemory} pids={string.Join(",", pair.Value.Pids.Order())}"));

    internal IReadOnlyList<int> PidsOf(string path) => _nodes[path].Pids;

    internal IEnumerable<string> Cgroups => _nodes.Keys;

    public string Message(int errno) => $"errno {errno}";

    public bool Exists(string path) => Read(path) is not null;

    public string? Read(string path)
    {
        if (_files.TryGetValue(path, out string? text)) return text;
        if (!_nodes.TryGetValue(Parent(path), out Node? node)) return null;
        return Path.GetFileName(path) switch
        {
            "cgroup.procs" => string.Concat(node.Pids.Select(pid => $"{pid}\n")),
            "cgroup.subtree_control" => node.GivesMemory ? "cpu memory\n" : "cpu\n",
            "cgroup.controllers" => HasMemory(Parent(path)) ? "cpu memory pids\n" : "cpu\n",
            "cgroup.type" => node.IsTrueRoot ? null : "domain\n",
            "memory.max" => !node.IsTrueRoot && HasMemory(Parent(path)) && !IsBelowThreaded(Parent(path)) ? "max\n" : null,
            _ => null,
        };
    }

    public int MakeDirectory(string path)
    {
        if (Fails()) return NoSpace;
        if (!_nodes.TryGetValue(Parent(path), out Node? parent)) return NoEntry;
        if (!parent.IsWritable) return AccessDenied;
        _nodes.Add(path, new Node());
        return 0;
    }

    public int RemoveDirectory(string path)
    {
        // Undoing is not made to fail: that is the kernel's promise for an empty cgroup of our own.
        if (!_nodes.TryGetValue(path, out Node? node)) return NoEntry;
        if (node.Pids.Count > 0 || _nodes.Keys.Any(other => Parent(other) == path)) return Busy;
        _nodes.Remove(path);
        return 0;
    }

    public int Write(string path, string text)
    {
        bool isUndo = text == "-memory" || (text == "0" && IsMovingUp(path));
        if (!isUndo && Fails()) return NoSpace;
        Node node = _nodes[Parent(path)];
        if (!node.IsWritable) return AccessDenied;
        switch (Path.GetFileName(path), text)
        {
            case ("cgroup.procs", "0"):
                if (node.GivesMemory && !node.IsTrueRoot) return Busy;
                foreach (Node other in _nodes.Values) other.Pids.Remove(Pid);
                node.Pids.Add(Pid);
                return 0;
            case ("cgroup.subtree_control", "+memory"):
                if (!HasMemory(Parent(path))) return NoEntry;
                if (node.Pids.Count > 0 && !node.IsTrueRoot) return Busy;
                node.GivesMemory = true;
                return 0;
            case ("cgroup.subtree_control", "-memory"):
                node.GivesMemory = false;
                return 0;
            default:
                return Unsupported;
        }
    }

    private bool IsMovingUp(string procsFile) =>
        _nodes.Any(pair => pair.Value.Pids.Contains(Pid) && Parent(pair.Key) == Parent(procsFile));

    private bool Fails() => ++_operations == FailAt;

    private bool HasMemory(string path) =>
        _nodes[path].IsTrueRoot || !_nodes.TryGetValue(Parent(path), out Node? parent) || parent.GivesMemory;

    private bool IsBelowThreaded(string path) => _nodes.TryGetValue(Parent(path), out Node? parent) && parent.IsThreaded;

    private static string Parent(string path) => Path.GetDirectoryName(path) ?? "";
}
