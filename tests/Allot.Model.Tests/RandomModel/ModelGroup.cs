namespace Allot.Model.Tests.RandomModel;

/// <summary>A group as anybody would write it first: it stores what was charged to itself, and adds up the
/// rest.</summary>
internal sealed class ModelGroup(int number, ModelGroup? parent, string name, long[] limits)
{
    /// <summary>The five counters a group shows: the three that have limits, and the two parts of pins.</summary>
    public const int Counters = 5;

    public static IReadOnlyList<Sort[]> SortsOf { get; } =
        [[Sort.User, Sort.Kernel], [Sort.Kernel], [Sort.Locked, Sort.Pinned], [Sort.Locked], [Sort.Pinned]];

    public int Number => number;

    public ModelGroup? Parent => parent;

    public string Name => name;

    public string Path => parent is null ? "/" : parent.Parent is null ? $"/{name}" : $"{parent.Path}/{name}";

    public bool IsOnline { get; set; } = true;

    /// <summary>What the parent pays for it while it is online.</summary>
    public long MetadataBytes { get; set; }

    /// <summary>All children there ever were: a removed one still holds what was not given back.</summary>
    public List<ModelGroup> Children { get; } = [];

    public long[] Own { get; } = new long[4];

    public long[] Max { get; } = [.. limits, MemoryGroup.Unlimited, MemoryGroup.Unlimited];

    public long[] Peak { get; } = new long[Counters];

    public List<ModelPeak>[] PeakReaders { get; } = [[], [], [], [], []];

    public Dictionary<string, long> Events { get; } = [];

    public IEnumerable<ModelGroup> PathToRoot => parent is null ? [this] : [this, .. parent.PathToRoot];

    public long Recorded(int counter) =>
        SortsOf[counter].Sum(sort => Own[(int)sort]) + Children.Sum(child => child.Recorded(counter));

    public long Current(int counter) => IsOnline ? Recorded(counter) : 0;

    public long EventsTotal(string name) =>
        Events.GetValueOrDefault(name) + Children.Sum(child => child.EventsTotal(name));

    public void Count(string name) => Events[name] = Events.GetValueOrDefault(name) + 1;

    public void NotePeak(int counter)
    {
        if (!IsOnline) return;
        Peak[counter] = Math.Max(Peak[counter], Current(counter));
        foreach (ModelPeak reader in PeakReaders[counter]) reader.Bytes = Math.Max(reader.Bytes, Current(counter));
    }
}

internal sealed class ModelPeak(ModelGroup group, int counter)
{
    public ModelGroup Group => group;

    public int Counter => counter;

    public long Bytes { get; set; } = group.Current(counter);
}

internal sealed class ModelHandle(ModelGroup group, MemoryKind kind)
{
    public ModelGroup Group { get; set; } = group;

    public Sort Sort => kind == MemoryKind.User ? Sort.User : Sort.Kernel;

    public long Bytes { get; set; }

    public bool IsDisposed { get; set; }
}
