namespace Allot;

/// <summary>Who is told of what happens to a group and below: of a higher layer, which runs foreign code.</summary>
internal abstract class GroupWatcher
{
    /// <summary>A bit for each point that is watched.</summary>
    public abstract int Points { get; }

    /// <summary>The group is in the tree. Called without locks.</summary>
    public abstract void OnCreated(MemoryGroup group);

    /// <summary>The group is no longer in the tree. Called without locks.</summary>
    public abstract void OnRemoved(MemoryGroup group);

    /// <summary>Tells all who watch a group above. Who watches the new one itself has found it already.</summary>
    public static void TellCreated(MemoryGroup group)
    {
        for (MemoryGroup? level = group.Parent; level is not null; level = level.Parent)
        {
            level.Policy?.Watcher?.OnCreated(group);
        }
    }

    public static void TellRemoved(MemoryGroup group)
    {
        for (MemoryGroup? level = group; level is not null; level = level.Parent)
        {
            level.Policy?.Watcher?.OnRemoved(group);
        }
    }
}
