// Address space for as many pages as the map may have; a page is memory, and is charged, from the moment it is
// allocated, or first touched by the host, to the moment it is freed.
//
// One lock protects the bits of the pages. Contains reads them without it: a page that is freed under a program is
// address space on, and reads zero.

using System.Diagnostics;
using System.Numerics;

namespace Allot.Maps;

/// <summary>Pages that the host and programs share, at one address for both, allocated on demand.</summary>
/// <remarks>Spans of a page are valid until it is freed or the map ends.</remarks>
public sealed unsafe class ArenaMap : GroupMap
{
    /// <summary>The bytes of a page.</summary>
    public const int PageBytes = 4096;

    private readonly SteadyLock _lock = new();
    private readonly ulong* _bits;
    private readonly byte* _start;
    private readonly nuint _reservedBytes;
    private long _pages;

    /// <summary>Makes the arena. Its group is charged for a bit for each page; for pages when they are there.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="definition">No key and no value; the capacity in pages; the flag MMAPABLE.</param>
    /// <exception cref="MapRefusedException">The definition is none of an arena.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    /// <exception cref="InsufficientMemoryException">The system has no address space; nothing is charged.</exception>
    public ArenaMap(MemoryGroup group, MapDefinition definition)
        : base(group, definition)
    {
        _bits = (ulong*)Memory.Allocate(definition, BitBytesOf(definition));
        long units = ((definition.Capacity * PageBytes) + PageArena.UnitBytes - 1) / PageArena.UnitBytes;
        _reservedBytes = (nuint)(units * PageArena.UnitBytes);
        _start = (byte*)SystemPages.Instance.Reserve(_reservedBytes);
        if (_start != null && SystemPages.Instance.TryCommit((nint)_start, _reservedBytes)) return;
        if (_start != null) SystemPages.Instance.Release((nint)_start, _reservedBytes);
        Memory.Dispose();
        throw new InsufficientMemoryException($"The system has no address space for {definition.Capacity} pages.");
    }

    /// <summary>The pages that there are.</summary>
    public override long Count => Interlocked.Read(ref _pages);

    internal override (ulong Address, long Bytes) Region => default;

    /// <summary>The address of the first page, whether it is there or not.</summary>
    internal byte* Start => _start;

    internal static MapFootprint FootprintOf(MapDefinition definition, int processors)
    {
        long bits = MapFootprint.Fixed(BitBytesOf(definition)).CreatedBytes;
        return new MapFootprint(bits, MemlockFormulas.Limited(bits + ((Int128)definition.Capacity * PageBytes)));
    }

    /// <summary>Allocates pages of zeros that lie together.</summary>
    /// <param name="count">How many, at least 1.</param>
    /// <param name="at">The number of the first one; null for wherever there is room.</param>
    /// <returns>Their address; null when there is no room there, or a limit refused: see
    /// <see cref="GroupMap.LastRefusal"/>.</returns>
    public byte* AllocatePages(int count, long? at = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        if (count > Definition.Capacity) return null;
        using (ReportingScope.Enter(_lock))
        {
            long first = at ?? FindFree_NeedsLock(count);
            if (first < 0 || first > Definition.Capacity - count || !AreFree_NeedsLock(first, count)) return null;
            if (!Memory.TryHold((long)count * PageBytes)) return null;
            for (long page = first; page < first + count; page++) _bits[page / 64] |= 1UL << (int)(page % 64);
            Interlocked.Add(ref _pages, count);
            return _start + (first * PageBytes);
        }
    }

    /// <summary>Frees pages. Those that there are not are left out.</summary>
    /// <param name="address">The address of the first one, or one in it.</param>
    /// <param name="count">How many.</param>
    public void FreePages(byte* address, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        using (ReportingScope.Enter(_lock))
        {
            long first = (address - _start) / PageBytes;
            if (address < _start || first >= Definition.Capacity) return;
            long end = long.Min(first + count, Definition.Capacity);
            long freed = 0;
            for (long page = first; page < end; page++)
            {
                if (!IsThere(page)) continue;
                _bits[page / 64] &= ~(1UL << (int)(page % 64));
                Empty(page);
                freed++;
            }

            Interlocked.Add(ref _pages, -freed);
            Debug.Assert(_pages >= 0, "Pages are freed once.");
            Memory.LetGo(freed * PageBytes);
        }
    }

    /// <summary>A page as the host touches it: if it is not there, it is allocated.</summary>
    /// <param name="page">The number of the page.</param>
    /// <param name="bytes">Its bytes; empty when false is returned.</param>
    /// <returns>False when there is no such page, or a limit refused, or a fault is the program's own (the flag
    /// SEGV_ON_FAULT).</returns>
    public bool TryTouch(long page, out Span<byte> bytes)
    {
        bytes = default;
        if (page < 0 || page >= Definition.Capacity) return false;
        if (!IsThere(page))
        {
            if (Definition.Has(MapFlags.FaultInArena)) return false;
            if (AllocatePages(1, page) == null && !IsThere(page)) return false;
        }

        bytes = new Span<byte>(_start + (page * PageBytes), PageBytes);
        return true;
    }

    /// <summary>An arena has no elements.</summary>
    /// <param name="key">The bytes of a key.</param>
    /// <returns>Null.</returns>
    public override byte* Lookup(byte* key) => null;

    /// <summary>An arena has no elements.</summary>
    /// <param name="key">The bytes of a key.</param>
    /// <param name="value">The bytes of a value.</param>
    /// <param name="flags">Any.</param>
    /// <returns>-95 (EOPNOTSUPP), or -22 (EINVAL) with a key.</returns>
    public override int Update(byte* key, byte* value, ulong flags) => NoElements(key);

    /// <summary>An arena has no elements.</summary>
    /// <param name="key">The bytes of a key.</param>
    /// <returns>-95 (EOPNOTSUPP), or -22 (EINVAL) with a key.</returns>
    public override int Delete(byte* key) => NoElements(key);

    /// <summary>An arena has no elements.</summary>
    /// <param name="key">The bytes of a key.</param>
    /// <param name="next">Not written.</param>
    /// <returns>-95 (EOPNOTSUPP), or -22 (EINVAL) with a key.</returns>
    public override int NextKey(byte* key, byte* next) => NoElements(key);

    private protected override bool HasValueAt(ulong address, ulong bytes)
    {
        ulong at = address - (ulong)_start, size = (ulong)Definition.Capacity * PageBytes;
        if (at >= size || bytes > size - at) return false;
        for (ulong page = at / PageBytes; page <= (at + bytes - 1) / PageBytes; page++)
        {
            if (!IsThere((long)page)) return false;
        }

        return true;
    }

    private protected override int ReadCore(byte* key, byte* value) => MapErrors.Invalid;

    private protected override int WriteCore(byte* key, byte* value, ulong flags) => NoElements(key);

    private protected override int TakeCore(byte* key, byte* value) =>
        key == null ? MapErrors.NotSupported : MapErrors.Invalid;

    private static int NoElements(byte* key) => key == null ? MapErrors.NotOfThisKind : MapErrors.Invalid;

    private protected override void Free()
    {
        SystemPages.Instance.Release((nint)_start, _reservedBytes);
        base.Free();
    }

    private static Int128 BitBytesOf(MapDefinition definition) =>
        ((Int128)definition.Capacity + 63) / 64 * sizeof(ulong);

    private bool IsThere(long page) => (Volatile.Read(ref _bits[page / 64]) >> (int)(page % 64) & 1) != 0;

    private bool AreFree_NeedsLock(long first, long count)
    {
        for (long page = first; page < first + count; page++)
        {
            if (IsThere(page)) return false;
        }

        return true;
    }

    // The first run of free pages; words that are full are passed over at once.
    private long FindFree_NeedsLock(int count)
    {
        long run = 0;
        for (long page = 0; page < Definition.Capacity; page++)
        {
            ulong word = _bits[page / 64];
            if (run == 0 && page % 64 == 0 && BitOperations.PopCount(word) == 64)
            {
                page += 63;
                continue;
            }

            run = IsThere(page) ? 0 : run + 1;
            if (run == count) return page - count + 1;
        }

        return -1;
    }

    // The memory of a page of the system goes back; a part of one is cleared.
    private void Empty(long page)
    {
        byte* bytes = _start + (page * PageBytes);
        if (Environment.SystemPageSize == PageBytes && OperatingSystem.IsLinux())
        {
            SystemPages.Instance.Decommit((nint)bytes, PageBytes);
        }
        else
        {
            new Span<byte>(bytes, PageBytes).Clear();
        }
    }
}
