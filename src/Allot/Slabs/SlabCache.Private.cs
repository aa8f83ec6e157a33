// The classes of a cache whose groups have slabs of their own: one for each group that has objects.
//
// A group finds its class without a lock, however many groups there are: in the first table by the key of its counter,
// or else in the second. Both are written under the lock of the cache.
//
// When a group is removed, its class has ended: nothing of it is kept, and empty slabs go back. As soon as no block of
// it is outside, it is closed under its own lock (SlabClass.TryClose) and forgotten, and its number is given to the
// next class with blocks of that size. So the group is not kept alive, and no class has two groups.

using System.Collections.Concurrent;
using System.Diagnostics;

namespace Allot;

internal sealed unsafe partial class SlabCache
{
    private const int RememberedGroups = 64;

    private readonly PrivateClass?[] _seen = new PrivateClass?[RememberedGroups];
    private readonly ConcurrentDictionary<MemoryGroup, PrivateClass> _private = new(concurrencyLevel: 1, capacity: 0);

    // Under the lock: those of removed groups. All are in _private too.
    private readonly Dictionary<SlabClass, PrivateClass> _ended = [];

    /// <summary>The class that a group allocates from.</summary>
    /// <param name="group">The group.</param>
    /// <param name="key">The key of its counter; 0 for what is not charged.</param>
    /// <returns>Null when the cache was removed.</returns>
    public SlabClass? ClassFor(MemoryGroup group, long key)
    {
        if (Shared is { } shared) return shared;
        PrivateClass? known = Volatile.Read(ref _seen[key & (RememberedGroups - 1)]);
        if (known is not null && ReferenceEquals(known.Group, group)) return known.Class;
        return _private.TryGetValue(group, out known) ? known.Class : MakePrivate(group, key);
    }

    /// <summary>The class that a group has to itself; null where it has none.</summary>
    public SlabClass? PrivateOf(MemoryGroup group) =>
        _private.TryGetValue(group, out PrivateClass? own) ? own.Class : null;

    /// <summary>Frees all that a group has in slabs of its own.</summary>
    /// <returns>The bytes.</returns>
    public long FreeAll(MemoryGroup group)
    {
        Debug.Assert(Shared is null, "Shared slabs have blocks of others.");
        if (!_private.TryGetValue(group, out PrivateClass? own)) return 0;
        long bytes = _allocator.FreeAll(own.Class);
        if (own.Class.HasEnded) TryForget(own.Class);
        return bytes;
    }

    /// <summary>The group was removed. Its slabs without objects go back now, the others when they are empty.</summary>
    public void EndGroup(MemoryGroup group)
    {
        PrivateClass? own;
        using (_lock.EnterScope())
        {
            if (!_private.TryGetValue(group, out own)) return;
            End_NeedsLock(own);
        }

        _allocator.Empty((uint)own.Class.Index);
        own.Class.Trim(all: true);
        TryForget(own.Class);
    }

    /// <summary>Forgets removed groups that have no objects.</summary>
    public void ForgetRemovedGroups()
    {
        SlabClass[] ended;
        using (_lock.EnterScope()) ended = [.. _ended.Keys];
        foreach (SlabClass one in ended) TryForget(one);
    }

    /// <summary>Forgets the class of a removed group if no block of it is outside.</summary>
    public void TryForget(SlabClass of)
    {
        using (_lock.EnterScope())
        {
            if (!_ended.TryGetValue(of, out PrivateClass? own) || !of.TryClose()) return;
            _ended.Remove(of);
            _ = _private.TryRemove(own.Group, out _);
            ref PrivateClass? seen = ref _seen[own.Key & (RememberedGroups - 1)];
            if (ReferenceEquals(seen, own)) Volatile.Write(ref seen, null);
        }

        _allocator.EndClass(of);
    }

    private SlabClass? MakePrivate(MemoryGroup group, long key)
    {
        using (_lock.EnterScope())
        {
            if (_isRemoved) return null;
            if (_private.TryGetValue(group, out PrivateClass? own)) return own.Class;
            own = new PrivateClass(group, key, NewClass());
            own.Class.Tune(_tunables);
            _ = _private.TryAdd(group, own);
            Volatile.Write(ref _seen[key & (RememberedGroups - 1)], own);
            if (group.State == MemoryGroupState.Offline) End_NeedsLock(own);   // if it ends later, EndGroup finds it
            return own.Class;
        }
    }

    private void End_NeedsLock(PrivateClass own)
    {
        Debug.Assert(_lock.IsHeldByCurrentThread, "A class ends under the lock of its cache.");
        own.Class.HasEnded = true;
        _ = _ended.TryAdd(own.Class, own);
    }

    private void ForgetAll_NeedsLock()
    {
        Debug.Assert(_isRemoved, "Of a removed cache nothing is left.");
        _private.Clear();
        _ended.Clear();
        Array.Clear(_seen);
    }

    private sealed record PrivateClass(MemoryGroup Group, long Key, SlabClass Class);
}
