namespace Allot;

/// <summary>Tells higher layers of every group that is removed, whatever its tree.</summary>
internal static class GroupRemovals
{
    /// <summary>Called once for a group, after its removal, without locks. Who listens is no foreign code.</summary>
    public static event Action<MemoryGroup>? Removed;

    public static void Tell(MemoryGroup group) => Removed?.Invoke(group);
}
