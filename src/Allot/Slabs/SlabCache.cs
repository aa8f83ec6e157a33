// What an object cache is, whatever the type of its objects: a class of blocks, or one for each group.
//
// Layout of a block. Without a constructor the object is the block. With one, a free object must stay as it is, so the
// link of the block lies before it, and behind it a word that says whether the constructor has run:
//   [prefix: link][object][word]     the word is zeroed when the block is carved
//
// Removal. Allocate and Remove race, and one of them comes first: what threads keep goes back to the classes, and each
// class is closed under its lock, if all its blocks lie in it (SlabClass.TryClose). From then on no thread has a block
// of it in a bin and none fetches one, so no fast path needs to ask. Only then IsRemoved is set. If one class does not
// close, all are opened again, and nothing has happened: who found a closed one has waited for the lock of the cache
// (AwaitRemoval), and tries again.

namespace Allot;

internal sealed unsafe partial class SlabCache
{
    // Removal looks again where blocks were in no class, and in no use either: a thread kept them meanwhile.
    private const int RemovalsTried = 64;

    private readonly SteadyLock _lock = new();
    private readonly SlabAllocator _allocator;
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
                foreach (PrivateClass one in _private.Values) one.Class.Tune(value);
            }

            _allocator.NoteActivity();   // what is too much now
        }
    }

    /// <summary>All that it has; none once it was removed.</summary>
    public SlabClass[] Classes
    {
        get
        {
            if (_isRemoved) return [];
            return Shared is { } shared ? [shared] : [.. _private.Values.Select(static one => one.Class)];
        }
    }

    /// <summary>Gives the empty slabs back.</summary>
    /// <returns>Their bytes.</returns>
    public long Shrink()
    {
        SlabClass[] all = Classes;
        long before = SlabBytesNow(all);
        foreach (SlabClass one in all) _allocator.Empty((uint)one.Index);
        foreach (SlabClass one in all) one.Trim(all: true);
        _allocator.NoteActivity();
        return Math.Max(0, before - SlabBytesNow(all));
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
        SlabClass[] all = Classes;   // first, so that all of them are counted
        long[] counts = _allocator.CountByClass(_allocator.Owners.Find(group, Options.Kind));
        long active = all.Sum(one => counts[one.Index]);
        if (PrivateOf(group) is not { } own) return Statistics(active, active, slabs: 0);
        SlabClassCounts part = own.ReadCounts();
        return Statistics(active, part.Capacity, part.Spans);
    }

    /// <summary>Ends it.</summary>
    /// <returns>Its classes, for <see cref="SlabAllocator.EndClass"/> once nobody finds a block by them; none when it
    /// was removed already.</returns>
    /// <exception cref="InvalidOperationException">Objects are in use; nothing has changed.</exception>
    public SlabClass[] Remove()
    {
        long active = 0;
        for (int tried = 0; active == 0 && tried < RemovalsTried; tried++)
        {
            foreach (SlabClass one in Classes) _allocator.Empty((uint)one.Index);
            if (TryEnd(out SlabClass[] ended))
            {
                if (Shared is null) _allocator.RemovePrivateCache(this);
                return ended;
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

    private bool TryEnd(out SlabClass[] all)
    {
        using (_lock.EnterScope())
        {
            all = Classes;
            int closed = 0;
            while (closed < all.Length && all[closed].TryClose()) closed++;
            if (closed < all.Length)
            {
                foreach (SlabClass one in all[..closed]) one.Reopen();
                return false;
            }

            _isRemoved = true;
            ForgetAll_NeedsLock();
            return true;
        }
    }

    private SlabClass NewClass() => _allocator.AddClass(BlockBytes, this);

    private static long SlabBytesNow(SlabClass[] all) =>
        all.Sum(static one => (long)one.ReadCounts().Spans * one.UnitsPerSpan << PageArena.UnitShift);

    private ObjectCacheStatistics Statistics(long active, long total, int slabs)
    {
        SlabClass? any = Shared ?? Classes.FirstOrDefault();
        long slabBytes = (long)(any?.UnitsPerSpan ?? 1) << PageArena.UnitShift;
        return new ObjectCacheStatistics(
            Name, active, total, BlockBytes, any?.BlocksInSpan ?? (int)(slabBytes / BlockBytes), slabBytes, slabs);
    }

    private static int RoundUp(int bytes, int alignment) => (bytes + alignment - 1) & ~(alignment - 1);
}
