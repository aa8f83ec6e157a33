// What a removed group leaves. Nobody takes blocks for it any more.
//   - Its private slabs go back as soon as they are empty.
//   - Of the shared ones, its free blocks go from where threads and classes keep them to their spans, at its removal, so
//     that a span without others in it is empty and goes back to the arena. Only magazines with a block of such a group
//     are touched: who has none notices nothing. A block that is freed later goes to its span at once (FreeSlow).
//   - The timer forgets the rest of it.
//
// Where groups come and go all the time this takes at most a fiftieth of the time; what has to wait for that is done by
// the timer, within a second.

using System.Diagnostics;

namespace Allot;

internal sealed unsafe partial class SlabAllocator
{
    private const int RestsForEach = 50;

    private readonly SteadyLock _endedLock = new();

    // Caches with slabs for each group. Added to under _classesLock; read without.
    private SlabCache[] _privateCaches = [];

    // Under _endedLock: ids of removed groups whose free blocks are still where they were. It does no harm if one
    // belongs to another group by now.
    private HashSet<int> _ended = [];
    private long _restsUntil;   // by Stopwatch

    /// <summary>Caches without private slabs need not be known.</summary>
    public void AddPrivateCache(SlabCache cache)
    {
        using (_classesLock.EnterScope()) Volatile.Write(ref _privateCaches, [.. _privateCaches, cache]);
    }

    /// <summary>It was removed.</summary>
    public void RemovePrivateCache(SlabCache cache)
    {
        using (_classesLock.EnterScope())
        {
            Volatile.Write(ref _privateCaches, [.. _privateCaches.Where(one => one != cache)]);
        }
    }

    private void OnRemoved(MemoryGroup group)
    {
        // Also of a group that is no owner: what it has may be charged to nobody.
        foreach (SlabCache cache in Volatile.Read(ref _privateCaches)) cache.EndGroup(group);
        int user = _owners.Find(group, MemoryKind.User), kernel = _owners.Find(group, MemoryKind.Kernel);
        if (user == 0 && kernel == 0) return;
        bool rests;
        using (_endedLock.EnterScope())
        {
            if (user != 0) _ended.Add(user);
            if (kernel != 0) _ended.Add(kernel);
            rests = Stopwatch.GetTimestamp() < _restsUntil;
        }

        if (!rests) GiveBackEnded();
        NoteActivity();
    }

    // Brings the free blocks of removed groups to their spans.
    private void GiveBackEnded()
    {
        HashSet<int> owners;
        using (_endedLock.EnterScope())
        {
            if (_ended.Count == 0) return;
            owners = _ended;
            _ended = [];
            _restsUntil = long.MaxValue;   // one at a time
        }

        long start = Stopwatch.GetTimestamp();
        try
        {
            using (_heapsLock.EnterScope())
            {
                foreach (HeapOwner one in _heaps) Empty_NeedsHeapsLock(one, 0, one.Heap->BinCount, owners);
            }

            int classes = Volatile.Read(ref _classCount);
            for (uint i = 0; i < classes; i++)
            {
                SlabClass one = ClassOf(i);
                bool isPrivate = one.Cache is { Shared: null };
                if (!isPrivate) one.GiveBack(owners);
            }
        }
        finally
        {
            long end = Stopwatch.GetTimestamp();
            using (_endedLock.EnterScope()) _restsUntil = end + ((end - start) * RestsForEach);
        }
    }

    /// <summary>Whether one of some free blocks was last in use for one of these owners, or lies among such.</summary>
    /// <remarks>Who else changes the entries meanwhile only makes the answer an old one.</remarks>
    public bool HasBlockOf(HashSet<int> owners, ulong* entries, int count)
    {
        SlabUnit* last = null;
        int lastOwner = 0;
        for (int i = 0; i < count; i++)
        {
            ulong entry = entries[i];
            int owner = (int)(entry >> Magazine.OwnerShift);
            if ((entry & ~Magazine.OffsetMask) == Magazine.Unowned)
            {
                if (!TryFindUnit((nint)BlockOf(entry), out SlabUnit* unit) || unit == last) continue;
                last = unit;
                owner = Volatile.Read(ref unit->Owner);
            }

            if (owner == lastOwner) continue;   // most are like their neighbours
            if (owners.Contains(owner)) return true;
            lastOwner = owner;
        }

        return false;
    }

    private bool HasEndedOwners
    {
        get
        {
            using (_endedLock.EnterScope()) return _ended.Count > 0;
        }
    }

    // Whether a bin has a free block of one of these owners. The owner of the bin may be at work: then a block can be
    // missed, or seen that is not there any more. Magazines themselves stay, under the lock of the heap.
    private bool HasBlockOf(HashSet<int> owners, SlabBin* bin, ulong* none)
    {
        Debug.Assert(owners.Count > 0, "Somebody is looked for.");
        ulong* end = bin->End, top = bin->Top, spare = bin->HasFullSpare ? bin->Spare : null;
        ulong* first = end - bin->Batch;
        bool isAtHand = end != none && top <= end && top > first;
        return (isAtHand && HasBlockOf(owners, first, (int)(top - first)))
            || (spare != null && HasBlockOf(owners, spare + 1, bin->Batch));
    }

    private void ForgetInCaches()
    {
        foreach (SlabCache cache in Volatile.Read(ref _privateCaches)) cache.ForgetRemovedGroups();
    }
}
