// What only some groups have, and all groups above them (GroupPolicy.cs).

using System.Diagnostics;

namespace Allot;

public sealed partial class MemoryGroup
{
    /// <summary>Its policy; null while it has none.</summary>
    internal GroupPolicy? Policy => Volatile.Read(ref _policy);

    /// <summary>The children that have a policy: a snapshot.</summary>
    internal ReadOnlySpan<MemoryGroup> ChildrenWithPolicy =>
        Policy is { } policy ? policy.Children(_controller.TreeLock) : [];

    /// <summary>Its policy, and before that one for every group above.</summary>
    internal GroupPolicy EnsurePolicy()
    {
        // Under the lock also when there is one already: another thread may be linking it to the groups above.
        using (_controller.TreeLock.EnterScope()) return EnsurePolicy_NeedsLock();
    }

    internal void ApplyPolicy_NeedsLock(MemoryGroupOptions options)
    {
        GroupPolicy policy = EnsurePolicy_NeedsLock();
        policy.MinBytes = options.MinBytes;
        policy.LowBytes = options.LowBytes;
    }

    private GroupPolicy EnsurePolicy_NeedsLock()
    {
        Debug.Assert(_controller.TreeLock.IsHeldByCurrentThread, "The tree changes under its lock.");
        for (MemoryGroup group = this, below = this; ; below = group, group = group.Parent)
        {
            bool isNew = group._policy is null;
            if (isNew) Volatile.Write(ref group._policy, new GroupPolicy());
            if (below != group) group._policy!.AddChild_NeedsLock(below);
            if (!isNew || group.Parent is null || group._state == MemoryGroupState.Offline) return _policy!;
        }
    }
}
