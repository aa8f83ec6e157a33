// Who owns blocks: numbers for the counters of groups, small enough to have one for each block of a shared slab.
//
// Terms. An *owner* is a counter of a group: its memory, or its kernel memory. Its *key* is that of its reserves
// (MemoryCounter.ReserveKey), which is never used again. Its *id* is a number of ours, used again once no block has it.
//
// Lifetime (I6). A removed group must not be kept alive by a list of numbers. But a block that is in use needs its
// owner, and nobody counts the blocks of an owner: that would cost every allocation an atomic operation. Instead, when
// groups have been removed, their ids are *retired* and the slabs are searched for them:
//   1. retire: set the key of the id to 0;
//   2. one process-wide memory barrier, then wait for every thread whose heap is Busy;
//   3. search all units; an id that no block in use has is free again.
// A free block is recognised by its mark (FreeBlock).
//
// A group is retired once it is removed for good: then no charge of it succeeds, and no thread is in the middle of
// spending what it held of it in advance. Why no allocation writes down an id that is being released:
//   - The fast path takes the block, and writes the id down where it has to, in the middle of spending (SlabPath). So
//     it has done both before the group was retired, and the search finds the block in use.
//   - The slow path charges first. It writes the id down between setting Busy and clearing it, and there finds the key,
//     or 0, which undoes the charge. If it finds the key, step 2 waits until the search will see the id; the barrier
//     makes one of the two see the other. It has unmarked the block before.
// Who frees a block looks its owner up before the block is free, for the same reason: until then the search finds it.

using System.Diagnostics;

namespace Allot;

internal sealed unsafe class SlabOwners : IDisposable
{
    /// <summary>The owner of what is charged to nobody.</summary>
    public const int Nobody = 1;

    /// <summary>Its key: that of no counter.</summary>
    public const long NobodyKey = -2;

    // The upmost ones are marks in magazines.
    private const int IdsMax = (1 << 24) - 2, KeysPerStep = PageArena.UnitBytes / sizeof(long), SweepsAtLeast = 64;

    // A search for few waits for some calls, and for more of them when the last one has found all in use.
    private const int WaitsAtFirst = 4, WaitsAtMost = 32;

    private const nuint KeysBytes = (1 << 24) * sizeof(long);

    private readonly SteadyLock _lock = new();
    private readonly IPageSource _source;
    private readonly bool _isShared;

    // Under the lock. _groups[id] is not null if and only if the id is in use, retired or not; _idOf has those that are
    // not retired.
    private readonly Dictionary<long, int> _idOf = [];
    private readonly Stack<int> _free = new();
    private MemoryGroup?[] _groups = new MemoryGroup?[64];
    private MemoryKind[] _kinds = new MemoryKind[64];
    private HashSet<int> _retired = [];
    private int _next = Nobody + 1;
    private int _waited, _waits = WaitsAtFirst;
    private int _committedKeys;

    /// <exception cref="InsufficientMemoryException">The system has no memory.</exception>
    public SlabOwners(IPageSource source, bool isShared)
    {
        _isShared = isShared;
        _source = source;
        nint keys = source.Reserve(KeysBytes);
        if (keys == 0 || !source.TryCommit(keys, PageArena.UnitBytes))
        {
            if (keys != 0) source.Release(keys, KeysBytes);
            throw new InsufficientMemoryException("The system has no memory for an allocator.");
        }

        Keys = (long*)keys;
        _committedKeys = KeysPerStep;
        Keys[Nobody] = NobodyKey;
    }

    /// <summary>The key of each id; 0 where it is not in use, or retired.</summary>
    public long* Keys { get; }

    /// <summary>Ids in use, retired ones included.</summary>
    public int Count
    {
        get
        {
            using (_lock.EnterScope()) return _idOf.Count + _retired.Count;
        }
    }

    /// <summary>The id of an owner, a new one if it has none.</summary>
    /// <returns>0 when there is no memory for one more.</returns>
    public int IdOf(MemoryGroup group, MemoryKind kind, long key)
    {
        Debug.Assert(key > 0, "A group's counters have keys.");
        using (_lock.EnterScope())
        {
            if (_idOf.TryGetValue(key, out int known)) return known;
            if (!_free.TryPop(out int id))
            {
                if (_next == IdsMax || !TryCommitKey_NeedsLock(_next)) return 0;
                id = _next++;
                if (id >= _groups.Length)
                {
                    Array.Resize(ref _groups, _groups.Length * 2);
                    Array.Resize(ref _kinds, _kinds.Length * 2);
                }
            }

            Debug.Assert(_groups[id] is null, "A free id has no group.");
            _groups[id] = group;
            _kinds[id] = kind;
            _idOf.Add(key, id);
            Volatile.Write(ref Keys[id], key);
            if (_isShared) (kind == MemoryKind.User ? group.Memory : group.Kernel).BlockTag = Magazine.TagOf(id);
            return id;
        }
    }

    /// <summary>The id of an owner; 0 if it has none.</summary>
    public int Find(MemoryGroup group, MemoryKind kind)
    {
        MemoryCounter? counter = kind == MemoryKind.User ? group.Memory : group.KernelIfAny;
        using (_lock.EnterScope())
        {
            return counter is not null && _idOf.TryGetValue(counter.ReserveKey, out int id) ? id : 0;
        }
    }

    /// <summary>Who it is; null for nobody, and for what is no id.</summary>
    public MemoryGroup? Find(int id, out MemoryKind kind)
    {
        using (_lock.EnterScope())
        {
            bool isKnown = id > Nobody && id < _next && _groups[id] is not null;
            kind = isKnown ? _kinds[id] : default;
            return isKnown ? _groups[id] : null;
        }
    }

    /// <summary>Step 1: the ids of groups that were removed.</summary>
    /// <param name="all">False: only where there are many of them, or after some calls.</param>
    /// <returns>What there is to search for, including what was in use at the last search; empty for nothing.</returns>
    public HashSet<int> Retire(bool all)
    {
        using (_lock.EnterScope())
        {
            List<long> ended = [];
            foreach ((long key, int id) in _idOf)
            {
                if (_groups[id]!.Memory.IsDetached) ended.Add(key);
            }

            if (ended.Count > 0) _waits = WaitsAtFirst;
            bool areMany = ended.Count >= SweepsAtLeast || ended.Count > _idOf.Count / 4;
            _waited = ended.Count + _retired.Count > 0 ? _waited + 1 : 0;
            if (!all && !areMany && _waited < _waits) return [];
            _waited = 0;
            foreach (long key in ended)
            {
                _idOf.Remove(key, out int id);
                Volatile.Write(ref Keys[id], 0);
                _retired.Add(id);
            }

            return [.. _retired];
        }
    }

    /// <summary>Step 3: ids that no block in use has are free again.</summary>
    public void Release(HashSet<int> searched, HashSet<int> found)
    {
        using (_lock.EnterScope())
        {
            foreach (int id in searched)
            {
                if (found.Contains(id)) continue;
                bool wasRetired = _retired.Remove(id);
                Debug.Assert(wasRetired, "Only a retired id is released.");
                _groups[id] = null;
                _free.Push(id);
            }

            _waits = searched.Count > found.Count ? WaitsAtFirst : Math.Min(_waits * 2, WaitsAtMost);
            if (_retired.Count == 0 && _retired.Capacity > SweepsAtLeast) _retired = [];
        }
    }

    public void Dispose() => _source.Release((nint)Keys, KeysBytes);

    private bool TryCommitKey_NeedsLock(int id)
    {
        if (id < _committedKeys) return true;
        Debug.Assert(id == _committedKeys, "Ids are given out one after the other.");
        if (!_source.TryCommit((nint)(Keys + id), PageArena.UnitBytes)) return false;
        _committedKeys += KeysPerStep;
        return true;
    }
}
