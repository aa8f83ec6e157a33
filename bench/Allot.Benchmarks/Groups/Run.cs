using System.Diagnostics;
using Allot.Benchmarks.Runner;

namespace Allot.Benchmarks.Groups;

/// <summary>All names created, found and removed.</summary>
internal abstract class Run(int count)
{
    public const string Create = "create", Find = "find", Remove = "remove", BytesEach = "each", BytesLeft = "left";

    public static IReadOnlyList<string> Steps { get; } = [Create, Find, Remove];

    /// <param name="repeats">How often, with a new tree or dictionary each time.</param>
    public Sample Measure(int repeats)
    {
        long[] ticks = new long[Steps.Count];
        long empty = GC.GetTotalMemory(forceFullCollection: true), full = 0;
        for (int i = 0; i < repeats; i++)
        {
            Begin();
            ticks[0] += Time(CreateAll);
            if (repeats == 1) full = GC.GetTotalMemory(forceFullCollection: true);
            ticks[1] += Time(FindAll);
            ticks[2] += Time(RemoveAll);
        }

        long left = GC.GetTotalMemory(forceFullCollection: true) - empty;
        GC.KeepAlive(this);
        double operations = (double)count * repeats;
        IEnumerable<string> lines = Steps.Select((step, i) =>
            FormattableString.Invariant($"{step} {ticks[i] * 1e9 / Stopwatch.Frequency / operations}"));
        return Sample.Parse(string.Join('\n', [.. lines,
            FormattableString.Invariant($"{BytesEach} {(full - empty) / operations}"),
            FormattableString.Invariant($"{BytesLeft} {left}")]));
    }

    protected abstract void Begin();

    protected abstract void CreateAll();

    protected abstract void FindAll();

    protected abstract void RemoveAll();

    private static long Time(Action step)
    {
        long start = Stopwatch.GetTimestamp();
        step();
        return Stopwatch.GetTimestamp() - start;
    }
}

internal sealed class DictionaryRun(string[] paths) : Run(paths.Length)
{
    private Dictionary<string, object> _objects = [];

    protected override void Begin() => _objects = [];

    protected override void CreateAll()
    {
        foreach (string path in paths) _objects.Add(path, new object());
    }

    protected override void FindAll()
    {
        foreach (string path in paths)
        {
            if (!_objects.TryGetValue(path, out _)) throw new BenchmarkException($"'{path}' is not there.");
        }
    }

    protected override void RemoveAll()
    {
        for (int i = paths.Length - 1; i >= 0; i--) _ = _objects.Remove(paths[i]);
    }
}

internal sealed class GroupsRun : Run
{
    private readonly string[] _paths, _names;
    private readonly int[] _parents;
    private readonly MemoryGroup?[] _groups;
    private MemoryController _tree = new();

    public GroupsRun(string[] paths)
        : base(paths.Length)
    {
        _paths = paths;
        _names = [.. paths.Select(NamedPaths.NameOf)];
        var places = paths.Select((path, place) => (path, place)).ToDictionary(one => one.path, one => one.place);
        _parents = [.. paths.Select(path => places.GetValueOrDefault(path[..path.LastIndexOf('/')], -1))];
        _groups = new MemoryGroup?[paths.Length];
    }

    protected override void Begin() => _tree = new MemoryController();

    protected override void CreateAll()
    {
        for (int i = 0; i < _names.Length; i++)
        {
            MemoryGroup parent = _parents[i] < 0 ? _tree.Root : _groups[_parents[i]]!;
            _groups[i] = parent.CreateChild(_names[i]);
        }
    }

    protected override void FindAll()
    {
        foreach (string path in _paths)
        {
            if (_tree.Find(path) is null) throw new BenchmarkException($"'{path}' is not there.");
        }
    }

    protected override void RemoveAll()
    {
        for (int i = _groups.Length - 1; i >= 0; i--)
        {
            _groups[i]!.Remove();
            _groups[i] = null;
        }
    }
}
