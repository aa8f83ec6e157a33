// How a group ends: it is removed, or killed.
//
// Removal (I6). Counters are hierarchical: the parent's numbers already hold all that the group holds, so removal moves
// no bytes. It unlinks the group, makes its own counters read zero, and refuses new charges. Bytes that return later
// walk the same counters as ever, through the removed ones to the parent: nobody has to find an heir, and a charge that
// was in flight during removal is simply one more that returns later. A removed group is kept alive only by the handles
// that still hold bytes of it.
//
// Killing (GroupLife.cs) leaves the group in the tree, with what it holds, and closes the same counters.

using System.Diagnostics;

namespace Allot;

public sealed partial class MemoryGroup
{
    // A table of children that once was larger than this shrinks when it has become empty for the most part.
    private const int TableKept = 64;

    /// <summary>Removes the group from the tree. Its charges are refused from here on, and what it still holds belongs
    /// to its parent at once. Removing it again does nothing.</summary>
    /// <remarks>When it returns, no charge succeeds any more. Only where threads hold bytes of the group in advance
    /// does it wait for what they have begun, which takes microseconds.</remarks>
    /// <exception cref="InvalidOperationException">The group is the root or still has children.</exception>
    public void Remove()
    {
        if (Parent is null) throw new InvalidOperationException("The root group '/' cannot be removed.");
        using (_controller.Reserves.Gate.EnterScope())
        {
            if (!Unlink()) return;

            CloseCounters_NeedsGate();
            Memory.Detach();
            foreach (MemoryCounter? counter in OtherCounters) counter?.Detach();
        }

        _controller.Reserves.Waiting.EndHopeless();   // who waits in the group waits for nothing
        _controller.Reserves.Settle();
        if (_metadataBytes > 0) _controller.GroupPayerOrNull!.Uncharge(Parent, _metadataBytes);
        GroupRemovals.Tell(this);
        _policy?.Attachment?.OnRemoved(Parent._policy?.Attachment);
        if (_controller.WatchedPoints != 0 || _policy?.Watcher is not null) GroupWatcher.TellRemoved(this);
    }

    /// <summary>Kills the group and everything below it: takes no new charges from here on. The owners are not told.
    /// </summary>
    /// <param name="ending">Why.</param>
    /// <param name="spares">Which groups are left alone; called under the lock of the tree.</param>
    /// <returns>The groups that were killed by this call, each after all below it.</returns>
    internal IReadOnlyList<MemoryGroup> End(GroupEnding ending, Func<MemoryGroup, bool> spares)
    {
        Debug.Assert(Parent is not null, "The root is never killed.");
        List<MemoryGroup> killed;
        using (_controller.Reserves.Gate.EnterScope())
        {
            killed = MarkKilled(ending, spares);
            if (killed.Count == 0) return killed;
            foreach (MemoryGroup group in killed) group.CloseCounters_NeedsGate();
        }

        _controller.Reserves.Waiting.EndHopeless();   // who waits in them waits for nothing
        _controller.Reserves.Settle();
        return killed;
    }

    /// <summary>How it may end, or has; null while that is the default.</summary>
    internal GroupLife? Life => Volatile.Read(ref _life);

    internal GroupLife EnsureLife() =>
        Life ?? Interlocked.CompareExchange(ref _life, new GroupLife(), null) ?? _life;

    // Whoever wants one that is null only afterwards, finds the group ended: see EndWithGroup_NeedsLock.
    private MemoryCounter?[] OtherCounters => [_kernel, _pins?.All, _pins?.Locked, _pins?.Pinned];

    private void CloseCounters_NeedsGate() => ThreadReserves.Close_NeedsGate(Memory, OtherCounters);

    // False when it was unlinked already.
    private bool Unlink()
    {
        Debug.Assert(Parent is not null, "The root is never unlinked.");
        using (_controller.TreeLock.EnterScope())
        {
            AssertInvariants_NeedsLock();
            if (_state == MemoryGroupState.Offline) return false;
            if (_children is { Count: > 0 })
            {
                throw new InvalidOperationException(
                    $"Cannot remove '{Path}': it still has {_children.Count} children. Remove them first.");
            }

            bool unlinked = Parent._children!.Remove(Name);
            Debug.Assert(unlinked, "An online group is its parent's child.");
            if (Parent._children.Count == 0)
            {
                Parent._children = null;   // what a table has once needed it keeps
            }
            else if (Parent._children.Capacity > Math.Max(TableKept, Parent._children.Count * 8))
            {
                Parent._children.TrimExcess(Parent._children.Count * 2);
            }

            _state = MemoryGroupState.Offline;
            _children = null;
            _kernelAccounting.Close_NeedsLock();
            if (_policy is not null)
            {
                Parent._policy!.RemoveChild_NeedsLock(this);
                _policy.MinBytes = _policy.LowBytes = 0;
            }

            AssertInvariants_NeedsLock();
            return true;
        }
    }

    private List<MemoryGroup> MarkKilled(GroupEnding ending, Func<MemoryGroup, bool> spares)
    {
        var killed = new List<MemoryGroup>();
        using (_controller.TreeLock.EnterScope())
        {
            AssertInvariants_NeedsLock();
            if (_state == MemoryGroupState.Offline) return killed;
            var pending = new Stack<MemoryGroup>([this]);
            while (pending.TryPop(out MemoryGroup? group))
            {
                foreach (MemoryGroup child in group._children?.Values ?? Enumerable.Empty<MemoryGroup>())
                {
                    pending.Push(child);
                }

                if (group._state == MemoryGroupState.Killed || spares(group)) continue;
                group.EnsureLife().End_NeedsLock(ending);
                group._state = MemoryGroupState.Killed;
                group._kernelAccounting.Close_NeedsLock();
                group.AssertInvariants_NeedsLock();
                killed.Add(group);
            }
        }

        killed.Reverse();
        return killed;
    }
}
