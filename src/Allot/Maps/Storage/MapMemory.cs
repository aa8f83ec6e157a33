// The memory of one map, and the one charge that stands for all of it.
//
// Bytes are charged first and allocated second, freed first and uncharged second: the group is charged at least what
// there is at any time, and exactly that whenever no call is on its way. The blocks have no owner in the allocator, so
// the owner of the map changes with the one charge, at one instant (MemoryCharge).
//
// Large blocks are mappings of their own: their pages are there when they are touched, huge where the system has them,
// and are the system's again at once.
//
// Invariant, under _lock: the bytes of _blocks, and _heldBytes, add up to the charge.

using System.Diagnostics;

namespace Allot.Maps;

internal sealed unsafe class MapMemory : IDisposable
{
    private const long MappedBytesMin = 2L << 20;

    private readonly Lock _lock = new();
    private readonly MemoryCharge _charge;
    private readonly Dictionary<nint, long> _blocks = [];
    private ChargeRefusal _lastRefusal;
    private long _heldBytes;
    private long _allocatedBytes;

    /// <summary>Records who pays. Nothing is charged yet.</summary>
    public MapMemory(MemoryGroup group) => _charge = group.Hold(MemoryKind.Kernel);

    public MemoryGroup Group => _charge.Group;

    /// <summary>What the group is charged.</summary>
    public long ChargedBytes => _charge.Bytes;

    /// <summary>What there is: the blocks as they were allocated, and what is held without one.</summary>
    public long AllocatedBytes
    {
        get
        {
            lock (_lock) return _allocatedBytes + _heldBytes;
        }
    }

    /// <summary>Who refused memory last, and why; the default value if nobody did.</summary>
    public ChargeRefusal LastRefusal
    {
        get
        {
            lock (_lock) return _lastRefusal;
        }
    }

    /// <summary>What is charged for a block.</summary>
    public static long ChargeOf(long bytes)
    {
        if (bytes > MemoryGroup.MaxChargeBytes) return long.MaxValue;
        return bytes <= SizeClasses.LargestBytes
            ? SizeClasses.BytesOf(SizeClasses.IndexOf((nuint)bytes))
            : (bytes + PageArena.UnitBytes - 1) & -(long)PageArena.UnitBytes;
    }

    /// <summary>A zeroed block for a map that is being made. It stays until it is freed, or the memory
    /// disposed.</summary>
    /// <exception cref="MemoryLimitExceededException">A limit refused. All that there was is given back.</exception>
    /// <exception cref="InsufficientMemoryException">The system has no memory. The same.</exception>
    /// <exception cref="MapRefusedException">It is more than there can be (ENOMEM). The same.</exception>
    public byte* Allocate(MapDefinition map, Int128 bytes)
    {
        try
        {
            long charged = ChargeOf(MemlockFormulas.Limited(bytes));
            if (charged > MemoryGroup.MaxChargeBytes - ChargedBytes)
            {
                throw MapRules.Refuse(map, MapErrors.NoMemory, $"{bytes} bytes are more than there can be");
            }

            _charge.Grow(charged);
            byte* block = TryMake(charged);
            return block != null ? block : throw NoMemory(bytes);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>A zeroed block for a map in use. It never blocks and never reclaims.</summary>
    /// <returns>Null when a limit or the system refused; nothing has changed, but <see cref="LastRefusal"/>.</returns>
    public byte* TryAllocate(long bytes)
    {
        long charged = ChargeOf(bytes);
        if (!TryCharge(charged)) return null;
        byte* block = TryMake(charged);
        if (block == null) _charge.Shrink(charged);
        return block;
    }

    /// <summary>Charges bytes that are elsewhere: objects that the map keeps.</summary>
    /// <exception cref="MemoryLimitExceededException">A limit refused. All that there was is given back.</exception>
    /// <exception cref="MapRefusedException">It is more than there can be (ENOMEM). The same.</exception>
    public void Hold(MapDefinition map, Int128 bytes)
    {
        try
        {
            if (bytes > MemoryGroup.MaxChargeBytes - ChargedBytes)
            {
                throw MapRules.Refuse(map, MapErrors.NoMemory, $"{bytes} bytes are more than there can be");
            }

            _charge.Grow((long)bytes);
            lock (_lock) _heldBytes += (long)bytes;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The same for a map in use. It never blocks and never reclaims.</summary>
    /// <returns>False when a limit refused; nothing has changed, but <see cref="LastRefusal"/>.</returns>
    public bool TryHold(long bytes)
    {
        if (!TryCharge(bytes)) return false;
        lock (_lock) _heldBytes += bytes;
        return true;
    }

    /// <summary>Uncharges a part of what is held.</summary>
    public void LetGo(long bytes)
    {
        lock (_lock)
        {
            Debug.Assert(bytes >= 0 && bytes <= _heldBytes, "Only what is held is let go.");
            _heldBytes -= bytes;
        }

        _charge.Shrink(bytes);
    }

    /// <summary>Frees a block before the end of the map.</summary>
    public void Free(byte* block)
    {
        if (block == null) return;
        long bytes;
        lock (_lock)
        {
            bool isOurs = _blocks.Remove((nint)block, out bytes);
            Debug.Assert(isOurs, "Only blocks of the map are freed, and once.");
            if (!isOurs) return;
            _allocatedBytes -= bytes;
        }

        Unmake(block, bytes);
        _charge.Shrink(bytes);
    }

    /// <summary>Changes who pays, at one instant.</summary>
    public bool TryTransferTo(MemoryGroup target, out ChargeRefusal refusal) =>
        _charge.TryTransferTo(target, out refusal);

    /// <summary>Frees all blocks, and uncharges everything.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            foreach ((nint block, long bytes) in _blocks) Unmake((byte*)block, bytes);
            _blocks.Clear();
            _allocatedBytes = _heldBytes = 0;
        }

        _charge.Dispose();
    }

    private bool TryCharge(long bytes)
    {
        ChargeRefusal refusal = default;
        if (bytes <= MemoryGroup.MaxChargeBytes - ChargedBytes && _charge.TryGrow(bytes, out refusal)) return true;
        lock (_lock) _lastRefusal = refusal;
        return false;
    }

    private byte* TryMake(long charged)
    {
        byte* block = charged >= MappedBytesMin ? TryMap((nuint)charged) : AllocateForNobody(charged);
        if (block == null) return null;
        lock (_lock)
        {
            _blocks.Add((nint)block, charged);
            _allocatedBytes += charged;
        }

        return block;
    }

    private static byte* AllocateForNobody(long bytes)
    {
        try
        {
            byte* block = GroupMemory.AllocateForNobody((nuint)bytes);
            Debug.Assert(GroupMemory.BytesOf(block) >= bytes, "What is charged is what there is.");
            new Span<byte>(block, (int)bytes).Clear();
            return block;
        }
        catch (InsufficientMemoryException)
        {
            return null;
        }
    }

    private static byte* TryMap(nuint bytes)
    {
        IPageSource pages = SystemPages.Instance;
        nint start = pages.Reserve(bytes);
        if (start == 0) return null;
        if (!pages.TryCommit(start, bytes))
        {
            pages.Release(start, bytes);
            return null;
        }

        pages.PreferHugePages(start, bytes);
        return (byte*)start;
    }

    private static void Unmake(byte* block, long bytes)
    {
        if (bytes >= MappedBytesMin) SystemPages.Instance.Release((nint)block, (nuint)bytes);
        else GroupMemory.Free(block);
    }

    private static InsufficientMemoryException NoMemory(Int128 bytes) =>
        new($"The system has no memory for {bytes} bytes of a map. Nothing is charged for it.");
}
