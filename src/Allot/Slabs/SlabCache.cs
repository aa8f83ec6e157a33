// What an object cache is, whatever the type of its objects: a class of blocks, or one for each group.
//
// Layout of a block. Without a constructor the object is the block. With one, a free object must stay as it is, so the
// link of the block lies before it, and behind it a word that says whether the constructor has run:
//   [prefix: link][object][word]     the word is zeroed when the block is carved
//
// Private slabs. A class belongs to one group at a time. When the group is removed, its empty slabs go back, and others
// with the last object in them. A class without objects forgets the group, and is given to the next one that comes.
//
// Removal. Allocate and Remove race, and one of them comes first: what threads keep goes back to the classes, and each
// class is closed under its lock, if all its blocks lie in it (SlabClass.TryClose). From then on no thread has a block
// of it in a bin and none fetches one, so no fast path needs to ask. Only then IsRemoved is set. If one class does not
// close, all are opened again, and nothing has happened: who found a closed one has waited for the lock of the cache
// (AwaitRemoval), and tries again.

using System.Diagnostics;

namespace Allot;

internal sealed unsafe class SlabCache
{
    private const int RememberedGroups = 64;

    // Removal looks again where blocks were in no class, and in no use either: a thread kept them meanwhile.
    private const int RemovalsTried = 64;

    private readonly SteadyLock _lock = new();
    private readonly SlabAllocator _allocator;
    private readonly List<PrivateClass> _private = [];

    // The private class that a group was seen with last, by the key of its counter. Written under the lock, and of
    // those in _private only, so that no removed group is kept; read without.
    private readonly PrivateClass?[] _seen = new PrivateClass?[RememberedGroups];
    private volatile bool _isRemoved;

    // Under the lock.
    private ObjectCacheTunables _tunables = new();

    public SlabCache(SlabAllocator allocator, string name, int objectBytes, ObjectCacheOptions options, bool constructs)
    {
        _allocator = allocator;
        Name = name;
        Options = options;
        int alignment = Math.Max(SizeClasses.AlignmentBytes, options.AlignmentBytes);
        PrefixBytes = constructs ? alignment : 0;
        ConstructedAt = constructs ? RoundUp(PrefixBytes + objectBytes, sizeof(long)) : -1;
        long blockBytes = constructs ? ConstructedAt + sizeof(long) : objectBytes;
        AskedBytes = (int)blockBytes;
        if (allocator.Checker is not null) blockBytes += BlockChecker.GuardBytes;
        BlockBytes = (int)Math.Max(RoundUp((int)blockBytes, alignment), SizeClasses.AlignmentBytes);
        if (options.HasPrivateSlabs) allocator.AddPrivateCache(this);
        else Shared = NewClass();
    }

    public string Name { get; }

    public ObjectCacheOptions Options { get; }

    public int BlockBytes { get; }

    /// <summary>What is used of a block.</summary>
    public int AskedBytes { get; }

    public int PrefixBytes { get; }

    /// <summary>Where in a block the word is that says that the constructor has run; -1 without one.</summary>
    public int ConstructedAt { get; }

    /// <summary>The class of all groups; null where each has its own.</summary>
    public SlabClass? Shared { get; }

    public bool IsRemoved => _isRemoved;

    /// <summary>Of all classes of the cache, and of those it will have.</summary>
    public ObjectCacheTunables Tunables
    {
        get
        {
            using (_lock.EnterScope()) return _tunables;
        }

        set
        {
            using (_lock.EnterScope())
            {
                _tunables = value;
                Shared?.Tune(value);
                foreach (PrivateClass one in _private) one.Class.Tune(value);
            }

            _allocator.NoteActivity();   // what is too much now
        }
    }

    /// <summary>Frees all that a group has in slabs of its own.</summary>
    /// <returns>The bytes.</returns>
    public long FreeAll(MemoryGroup group)
    {
        Debug.Assert(Shared is null, "Shared slabs have blocks of others.");
        SlabClass[] own;
        using (_lock.EnterScope()) own = [.. _private.Where(one => one.Group == group).Select(static one => one.Class)];
        return own.Sum(_allocator.FreeAll);
    }

    /// <summary>The group was removed. Its slabs without objects go back now, the others when they are empty.</summary>
    public void EndGroup(MemoryGroup group)
    {
        List<SlabClass> own = [];
        using (_lock.EnterScope())
        {
            foreach (PrivateClass one in _private)
            {
                if (one.Group != group) continue;
                one.Class.HasEnded = true;
                own.Add(one.Class);
            }
        }

        foreach (SlabClass one in own)
        {
            _allocator.Empty((uint)one.Index);
            one.Trim(all: true);
        }
    }

    /// <summary>Forgets removed groups that have no objects.</summary>
    public void ForgetRemovedGroups()
    {
        using (_lock.EnterScope())
        {
            for (int i = 0; i < _private.Count; i++)
            {
                PrivateClass one = _private[i];
                if (one.Group is null || !IsLeft(one)) continue;
                Forget_NeedsLock(one);
                _private[i] = one with { Group = null };
            }
        }
    }

    /// <summary>The class that a group allocates from.</summary>
    /// <param name="group">The group.</param>
    /// <param name="key">The key of its counter; 0 for what is not charged.</param>
    public SlabClass ClassFor(MemoryGroup group, long key)
    {
        if (Shared is { } shared) return shared;
        ref PrivateClass? seen = ref _seen[key & (RememberedGroups - 1)];
        PrivateClass? known = Volatile.Read(ref seen);
        if (known is not null && known.Key == key && ReferenceEquals(known.Group, group)) return known.Class;
        using (_lock.EnterScope())
        {
            PrivateClass found = FindPrivate_NeedsLock(group, key);
            Volatile.Write(ref seen, found);
            return found.Class;
        }
    }

    public SlabClass[] Classes
    {
        get
        {
            if (Shared is { } shared) return [shared];
            using (_lock.EnterScope()) return [.. _private.Select(static one => one.Class)];
        }
    }

    /// <summary>Gives the empty slabs back.</summary>
    /// <returns>Their bytes.</returns>
    public long Shrink()
    {
        long before = SlabBytesNow();
        foreach (SlabClass one in Classes) _allocator.Empty((uint)one.Index);
        foreach (SlabClass one in Classes) one.Trim(all: true);
        _allocator.NoteActivity();
        return Math.Max(0, before - SlabBytesNow());
    }

    public ObjectCacheStatistics ReadStatistics()
    {
        long active = 0, total = 0;
        int slabs = 0;
        foreach (SlabClass one in Classes)
        {
            SlabClassCounts counts = one.ReadCounts();
            active += _allocator.ActiveIn(one, counts);
            total += counts.Capacity;
            slabs += counts.Spans;
        }

        return Statistics(active, total, slabs);
    }

    public ObjectCacheStatistics ReadStatistics(MemoryGroup group)
    {
        long[] counts = _allocator.CountByClass(_allocator.Owners.Find(group, Options.Kind));
        long active = Classes.Sum(one => counts[one.Index]);
        int slabs = 0;
        using (_lock.EnterScope())
        {
            foreach (PrivateClass one in _private)
            {
                if (one.Group == group) slabs += one.Class.ReadCounts().Spans;
            }
        }

        return Statistics(active, active, slabs);
    }

    /// <summary>Ends it.</summary>
    /// <exception cref="InvalidOperationException">Objects are in use; nothing has changed.</exception>
    public void Remove()
    {
        long active = 0;
        for (int tried = 0; active == 0 && tried < RemovalsTried; tried++)
        {
            foreach (SlabClass one in Classes) _allocator.Empty((uint)one.Index);
            if (TryEnd())
            {
                _ = Shrink();
                return;
            }

            active = ReadStatistics().ActiveObjects;
        }

        string why = active > 0
            ? $"{active} of its objects are in use. Free them first."
            : "other threads are allocating and freeing its objects. Stop them first.";
        throw new InvalidOperationException($"The cache '{Name}' cannot be removed: {why}");
    }

    /// <summary>Returns when nobody is about to remove it. Without locks, for who found a class closed.</summary>
    public void AwaitRemoval()
    {
        using (_lock.EnterScope())
        {
        }
    }

    private bool TryEnd()
    {
        using (_lock.EnterScope())
        {
            SlabClass[] all = Classes;
            int closed = 0;
            while (closed < all.Length && all[closed].TryClose()) closed++;
            _isRemoved |= closed == all.Length;
            if (_isRemoved) return true;
            foreach (SlabClass one in all[..closed]) one.Reopen();
            return false;
        }
    }

    private PrivateClass FindPrivate_NeedsLock(MemoryGroup group, long key)
    {
        Debug.Assert(Shared is null, "Shared slabs are for all groups.");
        foreach (PrivateClass one in _private)
        {
            if (one.Key == key && one.Group == group) return one;
        }

        bool hasEnded = group.State == MemoryGroupState.Offline;   // if it ends later, EndGroup finds it here
        for (int i = 0; i < _private.Count; i++)
        {
            PrivateClass one = _private[i];
            if (!IsLeft(one)) continue;
            Forget_NeedsLock(one);
            one.Class.HasEnded = hasEnded;
            return _private[i] = new PrivateClass(group, key, one.Class);
        }

        var added = new PrivateClass(group, key, NewClass());
        added.Class.Tune(_tunables);
        added.Class.HasEnded = hasEnded;
        _private.Add(added);
        return added;
    }

    // Whether it can be given to another group.
    private bool IsLeft(PrivateClass one) => one.Group is null
        || (one.Group.State == MemoryGroupState.Offline
            && _allocator.ActiveIn(one.Class, one.Class.ReadCounts()) == 0);

    private void Forget_NeedsLock(PrivateClass one)
    {
        ref PrivateClass? seen = ref _seen[one.Key & (RememberedGroups - 1)];
        if (ReferenceEquals(seen, one)) Volatile.Write(ref seen, null);
    }

    private SlabClass NewClass() => _allocator.AddClass(BlockBytes, this);

    private long SlabBytesNow() =>
        Classes.Sum(static one => (long)one.ReadCounts().Spans * one.UnitsPerSpan << PageArena.UnitShift);

    private ObjectCacheStatistics Statistics(long active, long total, int slabs)
    {
        SlabClass? any = Shared ?? Classes.FirstOrDefault();
        long slabBytes = (long)(any?.UnitsPerSpan ?? 1) << PageArena.UnitShift;
        return new ObjectCacheStatistics(
            Name, active, total, BlockBytes, any?.BlocksInSpan ?? (int)(slabBytes / BlockBytes), slabBytes, slabs);
    }

    private static int RoundUp(int bytes, int alignment) => (bytes + alignment - 1) & ~(alignment - 1);

    private sealed record PrivateClass(MemoryGroup? Group, long Key, SlabClass Class);
}
