// A policy in force at one group.
//
// While charges are watched, the counter of the group is marked (MemoryCounter.IsWatched): nothing is held in advance
// below it, and every charge that stands looks closer (NeedsLook), which charges do anyway where a high limit is known.
// So a tree without a policy pays nothing for this.

using System.Diagnostics;

namespace Allot;

internal sealed class PolicyAttachment : GroupWatcher, IDisposable
{
    private const int OfCharges = (1 << (int)PolicyPoint.Charged) | (1 << (int)PolicyPoint.Uncharged);

    public PolicyAttachment(MemoryGroup group, MemoryPolicy policy)
    {
        Group = group;
        Policy = policy;
        Points = policy.Points;
    }

    public MemoryGroup Group { get; }

    public MemoryPolicy Policy { get; }

    public override int Points { get; }

    /// <exception cref="InvalidOperationException">The group was removed, or has a policy.</exception>
    public void Attach()
    {
        if (!Group.Controller.TryWatch(Group, this))
        {
            string why = Group.State == MemoryGroupState.Offline ? "it was removed" : "it has one; detach that before";
            throw new InvalidOperationException($"Cannot attach a policy to '{Group.Path}': {why}.");
        }

        if ((Points & OfCharges) != 0) MarkCounter();
        if (Group.State == MemoryGroupState.Offline) Dispose();   // removed meanwhile: whoever did may not have seen us
    }

    public void Dispose()
    {
        if (!Group.Controller.TryUnwatch(Group, this)) return;
        if ((Points & OfCharges) != 0) MarkCounter();
    }

    public override void OnCreated(MemoryGroup group)
    {
        Debug.Assert(group != Group, "Who watches a group is attached after its creation.");
        if (Policy.GroupCreated is not { } handler) return;
        PolicyRun.Tell(this, new PolicyNotice(PolicyPoint.GroupCreated, group, group), handler);
    }

    public override void OnRemoved(MemoryGroup group)
    {
        if (Policy.GroupRemoved is { } handler)
        {
            PolicyRun.Tell(this, new PolicyNotice(PolicyPoint.GroupRemoved, group, group), handler);
        }

        if (group == Group) Dispose();
    }

    // By the policy that is in force when the counter is marked: another may have taken this one's place meanwhile.
    private void MarkCounter() => Group.Controller.Reserves.SetWatched(
        Group.Memory, () => Group.Policy?.Watcher is { } watcher && (watcher.Points & OfCharges) != 0);
}
