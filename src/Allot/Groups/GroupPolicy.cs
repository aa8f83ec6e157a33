// What only some groups have: protection, and what higher layers attach. A group without any of it carries a null.
//
// The sparse tree. The groups that have a policy, and all groups above them, form a tree of their own inside the tree:
// a policy lists the children of its group that have one. Whoever looks for policies below a group walks this tree and
// meets no others, however many there are.

using System.Diagnostics;

namespace Allot;

internal sealed class GroupPolicy
{
    private long _minBytes;
    private long _lowBytes;

    // Under the tree lock: the online children that have a policy. _snapshot is null or equal to it; it pairs with the
    // lock, which Children takes to make a new one.
    private HashSet<MemoryGroup>? _children;
    private MemoryGroup[]? _snapshot;

    private GroupAttachment? _attachment;
    private GroupWatcher? _watcher;

    public long MinBytes
    {
        get => Volatile.Read(ref _minBytes);
        set => Volatile.Write(ref _minBytes, value);
    }

    public long LowBytes
    {
        get => Volatile.Read(ref _lowBytes);
        set => Volatile.Write(ref _lowBytes, value);
    }

    /// <summary>What reclaim keeps for the group; null until there is something. Set once.</summary>
    public GroupAttachment? Attachment => Volatile.Read(ref _attachment);

    public GroupAttachment Attach(GroupAttachment attachment) =>
        Interlocked.CompareExchange(ref _attachment, attachment, null) ?? attachment;

    /// <summary>Who is told of what happens here and below; null for nobody. Under the lock of the tree.</summary>
    public GroupWatcher? Watcher
    {
        get => Volatile.Read(ref _watcher);
        set => Volatile.Write(ref _watcher, value);
    }

    /// <summary>The children that have a policy: a snapshot, made anew only after a change.</summary>
    public MemoryGroup[] Children(SteadyLock treeLock)
    {
        if (Volatile.Read(ref _snapshot) is { } snapshot) return snapshot;
        using (treeLock.EnterScope())
        {
            snapshot = _children is null ? [] : [.. _children];
            Volatile.Write(ref _snapshot, snapshot);
            return snapshot;
        }
    }

    public void AddChild_NeedsLock(MemoryGroup child)
    {
        bool added = (_children ??= []).Add(child);
        Debug.Assert(added, "A child is listed when it gets its policy, and that is once.");
        Volatile.Write(ref _snapshot, null);
    }

    public void RemoveChild_NeedsLock(MemoryGroup child)
    {
        bool removed = _children?.Remove(child) ?? false;
        Debug.Assert(removed, "An online group that has a policy is listed by its parent's.");
        Volatile.Write(ref _snapshot, null);
    }
}
