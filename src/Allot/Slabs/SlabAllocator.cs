// An allocator whose blocks are charged to groups.
//
// Terms. A *unit* is 64 KiB of the arena, found from any address in it by one shift. A *span* is a run of units with
// blocks of one class. A *bin* is what one thread keeps of one class; threads and classes exchange whole *batches*. A
// block that another thread has allocated goes into the bin of the one who frees it, and on with a batch of it: nobody
// needs the thread that it came from, which may be gone.
//
// Who pays. Blocks are charged one by one, from the reserves of the thread (ThreadReserves), before they are handed
// out. A unit has one owner until a second one gets a block in it; from then on it has an owner for each block. Freeing
// uncharges the recorded owner (I7), from any thread, and after the removal of the group too: its counters lead to its
// heir.
//
// Concurrency.
//   - A heap and its bins belong to one thread. A thread that has ended leaves them to the next new one; those of one
//     that is idle can be emptied (SlabAllocator.Bins.cs).
//   - All else that a fast path reads, of units and owners, only changes for blocks that it does not have in hand:
//     a unit keeps its class while it has a block that is in use or in any bin, and an owner its id while it has a
//     block in use (SlabOwners.cs has the proof).
//   - A unit's owner changes under the lock of its class: from none to one; from one to Mixed, after every block was
//     given the owner that the unit had, so that whoever has just read that one is still right; and to none when the
//     span is released, that is, when no thread has a block of it.
// The shape is that of tcmalloc's thread caches and central lists. What differs: two magazines for each bin, marks in
// free blocks, and owners.

using System.Diagnostics;

namespace Allot;

internal sealed unsafe partial class SlabAllocator : IDisposable
{
    private static readonly SteadyLock s_allLock = new();
    private static SlabAllocator?[] s_all = [];

    private readonly SteadyLock _classesLock = new();
    private readonly MetadataBlocks _metadata;
    private readonly SlabOwners _owners;
    private readonly int _number;

    // Added to under _classesLock; read without.
    private SlabClass?[] _classes = new SlabClass?[SizeClasses.Count + 4];
    private int _classCount;

    // Under _classesLock: numbers of classes that have ended, by the size of blocks, which bins of threads have too.
    private readonly Dictionary<int, Stack<int>> _endedClasses = [];

    /// <exception cref="InsufficientMemoryException">The system has no address space.</exception>
    public SlabAllocator(IPageSource source, long reservedBytes = PageArena.ReservedBytesAtMost)
        : this(source, reservedBytes, isShared: false)
    {
    }

    /// <inheritdoc cref="SlabAllocator(IPageSource, long)"/>
    public SlabAllocator(IPageSource source, long reservedBytes, bool isShared, bool isChecked = false)
    {
        IsShared = isShared;
        Checker = isChecked ? new BlockChecker() : null;
        Arena = new PageArena(source, SlabUnit.SizeInBytes, Math.Min(reservedBytes, 1L << Magazine.OwnerShift));
        try
        {
            _owners = new SlabOwners(source, isShared);
        }
        catch
        {
            Arena.Dispose();
            throw;
        }

        _metadata = new MetadataBlocks(Arena);
        for (int i = 0; i < SizeClasses.Count; i++) _ = AddClass(SizeClasses.BytesOf(i));
        using (s_allLock.EnterScope())
        {
            _number = Array.IndexOf(s_all, null);
            if (_number < 0)
            {
                _number = s_all.Length;
                SlabAllocator?[] larger = [.. s_all, null];
                Volatile.Write(ref s_all, larger);
            }

            s_all[_number] = this;
        }

        GroupRemovals.Removed += OnRemoved;
    }

    /// <summary>Makes the one that <see cref="GroupMemory"/> uses.</summary>
    public static SlabAllocator MakeShared() =>
        new(SystemPages.Instance, PageArena.ReservedBytesAtMost, isShared: true, BlockChecks.Fix());

    /// <summary>Whether it is the one that <see cref="GroupMemory"/> uses.</summary>
    public bool IsShared { get; }

    public PageArena Arena { get; }

    public SlabOwners Owners => _owners;

    /// <summary>Held while spans and large blocks come and go, so that units can be searched.</summary>
    public SteadyLock SpansLock { get; } = new();

    /// <summary>What is done when memory is no longer trustworthy. Only tests do anything else than end the process.
    /// </summary>
    public Action<string> OnCorruption { get; set; } = Environment.FailFast;

    public static SlabAllocator Of(ThreadHeap* heap) => Volatile.Read(ref s_all)[heap->Allocator]!;

    /// <summary>Adds a class of blocks.</summary>
    /// <param name="blockBytes">8, or a multiple of 16.</param>
    /// <param name="cache">The cache that it is for; null for one of <see cref="SizeClasses"/>.</param>
    public SlabClass AddClass(int blockBytes, SlabCache? cache = null)
    {
        using (_classesLock.EnterScope())
        {
            if (_endedClasses.TryGetValue(blockBytes, out Stack<int>? ended) && ended.TryPop(out int index))
            {
                var next = new SlabClass(this, index, blockBytes, cache);
                Volatile.Write(ref _classes[index], next);
                return next;
            }

            var added = new SlabClass(this, _classCount, blockBytes, cache);
            if (_classCount == _classes.Length)
            {
                SlabClass?[] larger = new SlabClass?[_classCount * 2];
                _classes.CopyTo(larger, 0);
                Volatile.Write(ref _classes, larger);
            }

            _classes[_classCount] = added;
            Volatile.Write(ref _classCount, _classCount + 1);
            return added;
        }
    }

    /// <summary>The number of a closed class is for the next one with blocks of that size. Nobody finds blocks by it
    /// any more.</summary>
    public void EndClass(SlabClass of)
    {
        Debug.Assert(of.IsClosed && of.Cache is not null, "Only a class of a cache ends, and all its blocks are there.");
        of.Trim(all: true);
        NoteActivity();
        using (_classesLock.EnterScope())
        {
            // In between it has a class of nobody, so that what the cache holds is not kept alive.
            Volatile.Write(ref _classes[of.Index], new SlabClass(this, of.Index, of.BlockBytes, cache: null));
            if (!_endedClasses.TryGetValue(of.BlockBytes, out Stack<int>? ended))
            {
                ended = new Stack<int>();
                _endedClasses.Add(of.BlockBytes, ended);
            }

            ended.Push(of.Index);
        }
    }

    public SlabClass ClassOf(uint index) => Volatile.Read(ref _classes)[index]!;

    /// <summary>Null where there are fewer classes.</summary>
    public SlabClass? TryClassOf(uint index) => index < Volatile.Read(ref _classCount) ? ClassOf(index) : null;

    /// <summary>The class of a block of a cache with private slabs; null where it is of none.</summary>
    public SlabClass? PrivateClassOf(SlabCache cache, byte* block)
    {
        if (cache.Shared is not null || !TryFindUnit((nint)block, out SlabUnit* unit)) return null;
        SlabClass? found = unit->State == SlabUnitState.Slab ? ClassOf(unit->BinIndex) : null;
        return ReferenceEquals(found?.Cache, cache) ? found : null;
    }

    /// <summary>The head of the span that a block is in.</summary>
    public SlabUnit* SpanOf(byte* block)
    {
        SlabUnit* unit = UnitAt((nint)block);
        return UnitAt(unit->SpanStart);
    }

    /// <summary>A block in hand as magazines have it.</summary>
    public ulong EntryOf(byte* block)
    {
        SlabUnit* unit = UnitAt((nint)block);
        int owner = Volatile.Read(ref unit->Owner);
        if (owner == SlabUnit.Mixed) owner = unit->Owners[ThreadHeap.IndexInUnit(unit, block)];
        return (ulong)((nint)block - Arena.Base) | Magazine.TagOf(owner);
    }

    public byte* BlockOf(ulong entry) => (byte*)(Arena.Base + (nint)(entry & Magazine.OffsetMask));

    public ulong* TryMakeMagazine(int batch) => Magazine.TryMake(_metadata, batch);

    public void FreeMagazine(ulong* magazine, int batch) => _metadata.Free((byte*)magazine, Magazine.BytesFor(batch));

    /// <summary>Memory is no longer trustworthy.</summary>
    public void Fail(byte* block, string what)
    {
        string owner = "nobody known";
        if (TryFindUnit((nint)block, out SlabUnit* unit))
        {
            int id = unit->Owner == SlabUnit.Mixed ? unit->Owners[ThreadHeap.IndexInUnit(unit, block)] : unit->Owner;
            if (_owners.Find(id, out _) is { } group) owner = $"'{group.Path}'";
        }

        OnCorruption($"The block at 0x{(nint)block:x}, last charged to {owner}, {what}.{Checker?.Describe(block)}");
    }

    public SlabUnit* TryMakeSpan(SlabClass made)
    {
        int first = Arena.TryAllocate(made.UnitsPerSpan);
        if (first < 0) return null;
        var map = made.FreeMapBytes > 0 ? (ulong*)_metadata.TryAllocate(made.FreeMapBytes) : null;
        if (made.FreeMapBytes > 0 && map == null)
        {
            Arena.Free(first, made.UnitsPerSpan);
            return null;
        }

        SlabUnit* span = (SlabUnit*)Arena.SideTable + first;
        using (SpansLock.EnterScope())
        {
            made.Initialize(span, first);
            span->FreeMap = map;
        }

        return span;
    }

    /// <summary>Gives the units of an empty span back.</summary>
    public void ReleaseSpan(SlabUnit* span)
    {
        int first = (int)(span - (SlabUnit*)Arena.SideTable), units = span->Units;
        if (span->FreeMap != null) _metadata.Free((byte*)span->FreeMap, ClassOf(span->BinIndex).FreeMapBytes);
        using (SpansLock.EnterScope())
        {
            for (int i = 0; i < units; i++)
            {
                if (span[i].Owner == SlabUnit.Mixed) _metadata.Free((byte*)span[i].Owners, OwnersBytes(span + i));
                span[i] = default;
            }
        }

        Arena.Free(first, units);
    }

    /// <summary>Nobody uses it any more.</summary>
    public void Dispose()
    {
        GroupRemovals.Removed -= OnRemoved;
        using (s_allLock.EnterScope()) s_all[_number] = null;
        _owners.Dispose();
        Arena.Dispose();
    }

    private SlabUnit* UnitAt(nint address) =>
        (SlabUnit*)Arena.SideTable + ((nuint)(address - Arena.Base) >> PageArena.UnitShift);

    private bool TryFindUnit(nint address, out SlabUnit* unit)
    {
        nuint index = (nuint)(address - Arena.Base) >> PageArena.UnitShift;
        bool isInside = address >= Arena.Base && index < (nuint)Arena.Frontier;
        unit = isInside ? (SlabUnit*)Arena.SideTable + index : null;
        return isInside;
    }

    private static nuint OwnersBytes(SlabUnit* unit) => (nuint)unit->BlockCount * sizeof(int);
}
