namespace Allot.Model.Tests.RandomModel;

/// <summary>The operations on plain sums, by one thread: obviously right, and slow.</summary>
/// <param name="chargesGroups">Whether parents pay for the groups below them.</param>
internal sealed class ModelTree(bool chargesGroups) : ITree
{
    private readonly List<ModelGroup> _groups =
        [new(0, null, "", [MemoryGroup.Unlimited, MemoryGroup.Unlimited, MemoryGroup.Unlimited])];

    private readonly List<ModelHandle> _handles = [];
    private readonly List<ModelPeak> _peaks = [];

    public IReadOnlyList<ModelGroup> Groups => _groups;

    public IReadOnlyList<ModelHandle> Handles => _handles;

    public IReadOnlyList<ModelPeak> Peaks => _peaks;

    public string Create(int parent, string name, long[] limits)
    {
        ModelGroup above = _groups[parent];
        bool nameIsTaken = above.Children.Exists(child => child.IsOnline && child.Name == name);
        if (!above.IsOnline || nameIsTaken) return Answers.NotNow;
        var group = new ModelGroup(_groups.Count, above, name, limits);
        if (chargesGroups) group.MetadataBytes = GroupFootprint.BytesOf(name, EngineTree.OptionsOf(limits));
        string answer = TryCharge(above, Sort.Kernel, group.MetadataBytes);
        if (answer != Answers.Done) return answer;
        above.Children.Add(group);
        _groups.Add(group);
        return Answers.Done;
    }

    public string Remove(int group)
    {
        ModelGroup removed = _groups[group];
        if (removed.Parent is null) return Answers.NotNow;
        if (removed.Children.Exists(child => child.IsOnline)) return Answers.NotNow;
        if (!removed.IsOnline) return Answers.Done;
        removed.IsOnline = false;
        Uncharge(removed.Parent.Number, Sort.Kernel, removed.MetadataBytes);
        return Answers.Done;
    }

    public string SetMax(int group, CounterKind counter, long bytes)
    {
        if (bytes < 0) return Answers.OutOfRange;
        _groups[group].Max[(int)counter] = bytes;
        return Answers.Done;
    }

    public string TryCharge(int group, Sort sort, long bytes) => TryCharge(_groups[group], sort, bytes);

    public string ForceCharge(int group, Sort sort, long bytes)
    {
        _groups[group].Own[(int)sort] += bytes;
        foreach (ModelGroup level in _groups[group].PathToRoot.Where(level => level.IsOnline))
        {
            foreach (CounterKind counter in CountersOf(sort))
            {
                bool passed = level.Current((int)counter) > level.Max[(int)counter];
                if (passed && bytes > 0) level.Count($"{counter}Forced");
            }
        }

        NotePeaks(_groups[group], sort);
        return Answers.Done;
    }

    public string Uncharge(int group, Sort sort, long bytes)
    {
        _groups[group].Own[(int)sort] -= bytes;
        return Answers.Done;
    }

    public string Hold(int group, MemoryKind kind, long bytes)
    {
        var handle = new ModelHandle(_groups[group], kind);
        string answer = Charge(handle.Group, handle.Sort, bytes);
        if (answer != Answers.Done) return answer;
        handle.Bytes = bytes;
        _handles.Add(handle);
        return answer;
    }

    public string Grow(int handle, long bytes)
    {
        ModelHandle owner = _handles[handle];
        if (owner.IsDisposed) return Answers.Disposed;
        if (bytes < 0) return Answers.OutOfRange;
        string answer = Charge(owner.Group, owner.Sort, bytes);
        if (answer == Answers.Done) owner.Bytes += bytes;
        return answer;
    }

    public string Shrink(int handle, long bytes)
    {
        ModelHandle owner = _handles[handle];
        if (bytes < 0) return Answers.OutOfRange;
        if (owner.IsDisposed) return Answers.Disposed;
        if (bytes > owner.Bytes) return Answers.OutOfRange;
        owner.Bytes -= bytes;
        return Uncharge(owner.Group.Number, owner.Sort, bytes);
    }

    public string Resize(int handle, long bytes)
    {
        long owned = _handles[handle].Bytes;
        return bytes > owned ? Grow(handle, bytes - owned) : Shrink(handle, owned - bytes);
    }

    public string Transfer(int handle, int target)
    {
        ModelHandle owner = _handles[handle];
        if (owner.IsDisposed) return Answers.Disposed;
        if (owner.Group == _groups[target]) return Answers.Done;
        string? refused = FindRefusal(_groups[target], owner.Sort, owner.Bytes, [.. owner.Group.PathToRoot]);
        if (refused is not null) return refused;
        Uncharge(owner.Group.Number, owner.Sort, owner.Bytes);
        _groups[target].Own[(int)owner.Sort] += owner.Bytes;
        NotePeaks(_groups[target], owner.Sort);
        owner.Group = _groups[target];
        return Answers.Done;
    }

    public string Dispose(int handle)
    {
        ModelHandle owner = _handles[handle];
        if (owner.IsDisposed) return Answers.Done;
        owner.IsDisposed = true;
        Uncharge(owner.Group.Number, owner.Sort, owner.Bytes);
        owner.Bytes = 0;
        return Answers.Done;
    }

    public string OpenPeak(int group, CounterKind counter)
    {
        var peak = new ModelPeak(_groups[group], (int)counter);
        peak.Group.PeakReaders[peak.Counter].Add(peak);
        _peaks.Add(peak);
        return Answers.Done;
    }

    public string ResetPeak(int peak)
    {
        _peaks[peak].Bytes = _peaks[peak].Group.Current(_peaks[peak].Counter);
        return Answers.Done;
    }

    public string ClosePeak(int peak)
    {
        _peaks[peak].Group.PeakReaders[_peaks[peak].Counter].Remove(_peaks[peak]);
        return Answers.Done;
    }

    public string ShowGroup(int group)
    {
        ModelGroup shown = _groups[group];
        IEnumerable<string> counters = Enumerable.Range(0, ModelGroup.Counters).Select(counter => Answers.Counter(
            shown.Current(counter), shown.Recorded(counter), shown.Peak[counter], shown.Max[counter]));
        long memory = shown.Current((int)CounterKind.Memory);
        long kernel = shown.Current((int)CounterKind.Kernel);
        var stat = new MemoryStat(memory - kernel, kernel, shown.Current(3), shown.Current(4));
        MemoryEvents local = Events(name => shown.Events.GetValueOrDefault(name));
        MemoryEvents total = Events(shown.EventsTotal);
        MemoryGroupState state = shown.IsOnline ? MemoryGroupState.Online : MemoryGroupState.Offline;
        return $"{shown.Path} {state} {string.Join(' ', counters)} {stat} {local} {total}";
    }

    public string ShowHandle(int handle) => $"{_handles[handle].Bytes} of {_handles[handle].Group.Number}";

    public string ShowPeak(int peak) => $"{_peaks[peak].Bytes}";

    // What does not begin with Try asks for help first. There is none here, so it is out of memory, unless the request
    // is larger than the limit and nothing could have helped.
    private static string Charge(ModelGroup group, Sort sort, long bytes) =>
        TryCharge(group, sort, bytes, (limiter, max) =>
        {
            if (bytes <= max) limiter.Count("Oom");
        });

    private static string TryCharge(
        ModelGroup group, Sort sort, long bytes, Action<ModelGroup, long>? onRefusal = null)
    {
        if (FindRefusal(group, sort, bytes, [], onRefusal) is { } refused) return refused;
        group.Own[(int)sort] += bytes;
        NotePeaks(group, sort);
        return Answers.Done;
    }

    // Who has the bytes already is not asked.
    private static string? FindRefusal(
        ModelGroup group, Sort sort, long bytes, ModelGroup[] holders, Action<ModelGroup, long>? onRefusal = null)
    {
        if (!group.IsOnline) return Answers.GroupRemoved;
        foreach (CounterKind counter in CountersOf(sort))
        {
            foreach (ModelGroup level in group.PathToRoot)
            {
                long current = level.Current((int)counter);
                long max = level.Max[(int)counter];
                if (bytes == 0 || bytes <= max - current || holders.Contains(level)) continue;
                level.Count($"{counter}Max");
                onRefusal?.Invoke(level, max);
                return Answers.Refused(counter, level.Number, bytes, current, max);
            }
        }

        return null;
    }

    private static void NotePeaks(ModelGroup group, Sort sort)
    {
        foreach (ModelGroup level in group.PathToRoot)
        {
            for (int counter = 0; counter < ModelGroup.Counters; counter++)
            {
                if (ModelGroup.SortsOf[counter].Contains(sort)) level.NotePeak(counter);
            }
        }
    }

    // In the order in which they are asked: kernel memory first as such, then as memory.
    private static CounterKind[] CountersOf(Sort sort) => sort switch
    {
        Sort.User => [CounterKind.Memory],
        Sort.Kernel => [CounterKind.Kernel, CounterKind.Memory],
        _ => [CounterKind.Pins],
    };

    private static MemoryEvents Events(Func<string, long> count) => new()
    {
        MemoryMax = count("MemoryMax"),
        MemoryForced = count("MemoryForced"),
        KernelMax = count("KernelMax"),
        KernelForced = count("KernelForced"),
        PinsMax = count("PinsMax"),
        PinsForced = count("PinsForced"),
        Oom = count("Oom"),
    };
}
