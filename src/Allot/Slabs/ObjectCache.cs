using System.Runtime.CompilerServices;

namespace Allot;

/// <summary>Objects of one type in native memory, each charged to the group that it is allocated for. Linux says
/// kmem_cache.</summary>
/// <typeparam name="T">The type of the objects.</typeparam>
/// <remarks>All methods may be used from any thread, and any thread frees what another has allocated. A cache lives as
/// long as the process, or until it is removed while none of its objects is in use.</remarks>
public sealed unsafe class ObjectCache<T>
    where T : unmanaged
{
    // Of a constructed block, mixed with its address.
    private const ulong ConstructedMark = 0x5EED_C0DE_0B1E_C75F;

    private readonly SlabAllocator _allocator;
    private readonly SlabCache _cache;
    private readonly ObjectConstructor<T>? _constructor;
    private readonly MemoryKind _kind;

    // What no thread has: of a removed cache.
    private const uint NoBin = uint.MaxValue;

    // Of the slabs that all groups share, and threads know at once: the fast path. 0 where there are none.
    private uint _binOffset;
    private readonly ulong _inverse;
    private readonly int _prefixBytes;

    /// <summary>Makes a cache. It takes no memory before its first object.</summary>
    /// <param name="name">What it is called in statistics and errors.</param>
    /// <param name="options">What it is like.</param>
    /// <param name="constructor">Makes new memory an object; null for none: then the content of an object is undefined
    /// when it is allocated.</param>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range, or an object is larger than 256 KiB
    /// with all that belongs to it.</exception>
    /// <exception cref="InsufficientMemoryException">The system has no address space.</exception>
    public ObjectCache(string name, ObjectCacheOptions? options = null, ObjectConstructor<T>? constructor = null)
        : this(GroupMemory.Shared, name, options, constructor)
    {
    }

    internal ObjectCache(
        SlabAllocator allocator, string name, ObjectCacheOptions? options, ObjectConstructor<T>? constructor)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        options ??= new ObjectCacheOptions();
        options.Validate();
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sizeof(T), SizeClasses.LargestBytes - 8192, nameof(T));
        _allocator = allocator;
        _constructor = constructor;
        _kind = options.Kind;
        _cache = new SlabCache(allocator, name, sizeof(T), options, constructor is not null);
        if (!allocator.IsShared || _cache.Shared is not { } shared) return;
        _binOffset = shared.BinOffset;
        _inverse = shared.Inverse;
        _prefixBytes = _cache.PrefixBytes;
    }

    /// <summary>What it is called.</summary>
    public string Name => _cache.Name;

    /// <summary>What one object takes, alignment and bookkeeping included: what a group is charged.</summary>
    public long ObjectBytes => _cache.BlockBytes;

    /// <summary>Allocates an object and charges the group for it. Like <c>Charge</c>, it reclaims where a limit
    /// refuses, and may block for that.</summary>
    /// <param name="group">Who pays.</param>
    /// <returns>An object; free it once.</returns>
    /// <exception cref="MemoryLimitExceededException">A limit refused and nothing more could be reclaimed, or the
    /// group has ended; nothing is charged.</exception>
    /// <exception cref="InsufficientMemoryException">The system has no memory; nothing is charged.</exception>
    /// <exception cref="ObjectDisposedException">The cache was removed.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T* Allocate(MemoryGroup group)
    {
        T* item = TryTake((ThreadHeap*)ThreadPlaces.Blocks, group);
        return item != null ? item : AllocateOther(group);
    }

    /// <summary>Allocates an object and charges the group of a handle for it, with the kind of the cache.</summary>
    /// <inheritdoc cref="Allocate(MemoryGroup)"/>
    /// <param name="handle">Who pays.</param>
    public T* Allocate(GroupHandle handle) => Allocate(handle.Group);

    /// <summary>The same for a call that says itself what may be done to find room. The scopes around it can only
    /// permit less.</summary>
    /// <inheritdoc cref="Allocate(MemoryGroup)"/>
    /// <param name="group">Who pays.</param>
    /// <param name="flags">As for <c>Charge</c> of the group; with <see cref="AllocationFlags.Zero"/> the object is
    /// zeros.</param>
    /// <exception cref="MustSucceedInAtomicException">The request must succeed, and the context is
    /// atomic.</exception>
    /// <exception cref="ArgumentException">The request must succeed, and may not reclaim; or zeros are asked for, and
    /// the cache has a constructor, which says what an object is like.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A flag is unknown.</exception>
    public T* Allocate(MemoryGroup group, AllocationFlags flags)
    {
        ArgumentNullException.ThrowIfNull(group);
        bool zeros = (flags & AllocationFlags.Zero) != 0;
        if (zeros && _constructor is not null)
        {
            throw new ArgumentException($"The objects of '{Name}' are as their constructor makes them.", nameof(flags));
        }

        AllocationContext.MightAllocate(flags, group);
        T* item = AllocateFast(group);
        if (item == null) item = AllocateSlow(group, flags, out _);
        if (zeros) *item = default;
        return item;
    }

    /// <summary>The same for the group of a handle, with the kind of the cache.</summary>
    /// <inheritdoc cref="Allocate(MemoryGroup, AllocationFlags)"/>
    /// <param name="handle">Who pays.</param>
    /// <param name="flags">As for <c>Charge</c> of the group; with <see cref="AllocationFlags.Zero"/> the object is
    /// zeros.</param>
    public T* Allocate(GroupHandle handle, AllocationFlags flags) => Allocate(handle.Group, flags);

    /// <summary>Allocates an object and charges the group for it, at once or not at all: it never reclaims and never
    /// blocks.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="refusal">When null is returned: who refused, and why. Otherwise the default value.</param>
    /// <returns>An object, or null when a limit refused or the group has ended.</returns>
    /// <exception cref="InsufficientMemoryException">The system has no memory; nothing is charged.</exception>
    /// <exception cref="ObjectDisposedException">The cache was removed.</exception>
    public T* TryAllocate(MemoryGroup group, out ChargeRefusal refusal)
    {
        ArgumentNullException.ThrowIfNull(group);
        refusal = default;
        T* item = AllocateFast(group);
        return item != null ? item : AllocateSlow(group, flags: null, out refusal);
    }

    /// <summary>Frees an object, and returns its bytes to the group it was charged to, or to the heir of
    /// that.</summary>
    /// <param name="item">What <c>Allocate</c> of this cache has returned, on any thread; null does nothing. With a
    /// constructor, the object has to be as the constructor leaves it.</param>
    /// <remarks>An object that is freed already, or is not of this cache, ends the process: its memory may be somebody
    /// else's by now.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(T* item)
    {
        if (!TryGive((ThreadHeap*)ThreadPlaces.Blocks, item)) FreeOther(item);
    }

    /// <summary>What can be changed of the cache. A change reaches all its slabs, those of every group, now and
    /// later.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range; nothing has changed.</exception>
    public ObjectCacheTunables Tunables
    {
        get => _cache.Tunables;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            value.Validate();
            _cache.Tunables = value;
        }
    }

    /// <summary>Frees all objects of a group in one step, and returns their bytes. Nobody may use them any more, or
    /// allocate for the group from this cache meanwhile.</summary>
    /// <param name="group">The group, removed or not.</param>
    /// <returns>The bytes of the objects.</returns>
    /// <exception cref="InvalidOperationException">The slabs are shared:
    /// <see cref="ObjectCacheOptions.HasPrivateSlabs"/> is false.</exception>
    public long FreeAll(MemoryGroup group)
    {
        ArgumentNullException.ThrowIfNull(group);
        if (_cache.Shared is null) return _cache.FreeAll(group);
        throw new InvalidOperationException(
            $"The objects of one group in the cache '{Name}' cannot be freed in one step: its slabs are shared. Make "
            + "it with HasPrivateSlabs.");
    }

    /// <summary>Gives slabs without objects in use back, with what threads keep of them.</summary>
    /// <returns>The bytes of the slabs.</returns>
    public long Shrink() => _cache.Shrink();

    /// <summary>The numbers of the cache, all groups added up.</summary>
    public ObjectCacheStatistics ReadStatistics() => _cache.ReadStatistics();

    /// <summary>What one group has of the cache. Looks at every slab.</summary>
    /// <param name="group">The group; what its descendants have is not counted.</param>
    public ObjectCacheStatistics ReadStatistics(MemoryGroup group)
    {
        ArgumentNullException.ThrowIfNull(group);
        return _cache.ReadStatistics(group);
    }

    /// <summary>Removes the cache and gives its memory back. Doing it again does nothing.</summary>
    /// <exception cref="InvalidOperationException">Objects are in use; nothing has changed.</exception>
    public void Remove()
    {
        // From here on nobody has a block. Others have the bin when nobody looks for one in it any more.
        SlabClass[] ended = _cache.Remove();
        Volatile.Write(ref _binOffset, NoBin);
        foreach (SlabClass one in ended) _allocator.EndClass(one);
    }

    // What the thread has comes as an argument, as in GroupMemory.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private T* TryTake(ThreadHeap* heap, MemoryGroup group)
    {
        uint at = _binOffset;
        MemoryCounter? payer = _kind == MemoryKind.User ? group.Memory : group.KernelIfAny;
        if (heap == null || at - 1 >= heap->BinBytes - 1 || payer is null) return null;
        var bin = (SlabBin*)((byte*)heap->Bins + at);
        var slot = (ReserveSlot*)(heap->Slots + payer.SlotOffset);
        byte* block = SlabPath.TryTake(heap, bin, slot, payer.ReserveKey, payer.BlockTag);
        if (block == null) return null;
        if (_constructor is not null) return Finish(heap, block);
        return (T*)block;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryGive(ThreadHeap* heap, T* item) =>
        heap != null && SlabPath.TryGive(heap, (byte*)item - _prefixBytes, _binOffset, _inverse);

    // Private slabs, blocks that another group had before, an allocator of its own.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private T* AllocateOther(MemoryGroup group)
    {
        T* item = AllocateFast(group);
        return item != null ? item : AllocateSlow(group, AllocationFlags.Kernel, out _);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeOther(T* item)
    {
        if (item == null) return;
        byte* block = (byte*)item - _cache.PrefixBytes;
        ThreadHeap* heap = _allocator.HeapOfCaller();
        bool isFast = !_cache.IsRemoved && !SlabAllocator.IsPaused;
        SlabClass? own = isFast ? _cache.Shared ?? _allocator.PrivateClassOf(_cache, block) : null;
        if (own is null || !SlabPath.TryGive(heap, block, own.BinOffset, own.Inverse))
        {
            _allocator.FreeSlow(heap, block, _cache);
        }
    }

    private T* AllocateFast(MemoryGroup group)
    {
        if (_cache.IsRemoved || SlabAllocator.IsPaused || !group.Counts(_kind)) return null;
        MemoryCounter? counter = _kind == MemoryKind.User ? group.Memory : group.KernelIfAny;
        if (counter is null) return null;
        ThreadHeap* heap = _allocator.HeapOfCaller();
        OwnerEntry* entry = ThreadHeap.ByKey(heap, counter.ReserveKey);
        if (entry->Key != counter.ReserveKey) return null;
        if (_cache.ClassFor(group, counter.ReserveKey) is not { } of || (uint)of.Index >= heap->BinCount) return null;
        uint index = (uint)of.Index;
        ulong tag = Magazine.TagOf(entry->Id);
        byte* block = SlabPath.TryTake(heap, heap->Bins + index, entry->Slot, entry->Key, tag);
        if (block == null)
        {
            block = SlabPath.TryTakeOther(heap, heap->Bins + index, entry->Slot, entry->Key, entry->Id);
        }

        return block == null ? null : Finish(heap, block);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private T* AllocateSlow(MemoryGroup group, AllocationFlags? flags, out ChargeRefusal refusal)
    {
        ThreadHeap* heap = _allocator.HeapOfCaller();
        byte* block = null;
        refusal = default;
        while (block == null)
        {
            if (_cache.IsRemoved) throw new ObjectDisposedException(Name, $"The object cache '{Name}' was removed.");
            SlabPayer payer = _allocator.PayerFor(heap, group, _kind);
            SlabClass? of = _cache.ClassFor(group, payer.IsCharged ? payer.OwnerKey : 0);
            if (of is null) continue;   // removed since
            block = _allocator.AllocateSlow(heap, of, payer, flags, out refusal);
            if (block == null && refusal.Group is not null) return null;
            if (block == null) _cache.AwaitRemoval();
        }

        _allocator.Checker?.NoteAllocated(block, _cache.BlockBytes, _cache.AskedBytes, _constructor is not null);
        return Finish(heap, block);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private T* Finish(ThreadHeap* heap, byte* block)
    {
        var item = (T*)(block + _cache.PrefixBytes);
        if (_constructor is not null && *ConstructedWord(block) != MarkOf(block)) Construct(heap, block, item);
        return item;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Construct(ThreadHeap* heap, byte* block, T* item)
    {
        *item = default;
        try
        {
            _constructor!(ref *item);
        }
        catch
        {
            _allocator.FreeSlow(heap, block, _cache);
            throw;
        }

        *ConstructedWord(block) = MarkOf(block);
    }

    private ulong* ConstructedWord(byte* block) => (ulong*)(block + _cache.ConstructedAt);

    private static ulong MarkOf(byte* block) => ConstructedMark ^ (ulong)block;
}
