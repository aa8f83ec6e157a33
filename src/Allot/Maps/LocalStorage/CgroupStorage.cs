// A value for each group that a program is attached to: made when it is attached, not when it is used. A block that is
// detached is kept for the next one and freed with the map, because programs have its address.
//
// One lock. Blocks are listed in an array that is replaced, so Contains takes no lock.

using System.Runtime.CompilerServices;

namespace Allot.Maps;

/// <summary>A value for each group that programs are attached to, of one place or of each place apart; one for each
/// processor where the type says so.</summary>
public sealed unsafe class CgroupStorage : GroupMap
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(ulong Group, uint Place), Element> _elements = [];
    private readonly Stack<nint> _idle = [];
    private readonly bool _isPerProcessor;
    private readonly bool _hasPlaces;
    private readonly long _strideBytes;
    private nint[] _blocks = [];

    /// <summary>Makes the storage. Nothing is charged yet.</summary>
    /// <param name="group">Who pays for the values.</param>
    /// <param name="definition">A key has 8 bytes, the number of a group, or 16, with the place; the capacity is 0.
    /// </param>
    /// <exception cref="MapRefusedException">The definition is none of such a storage.</exception>
    public CgroupStorage(MemoryGroup group, MapDefinition definition)
        : base(group, definition)
    {
        _isPerProcessor = definition.Type == MapType.PerCpuCgroupStorage;
        _hasPlaces = definition.KeyBytes == 16;
        _strideBytes = (long)MemlockFormulas.Round8(definition.ValueBytes);
    }

    /// <inheritdoc/>
    public override long Count
    {
        get
        {
            lock (_lock) return _elements.Count;
        }
    }

    /// <inheritdoc/>
    public override long HostValueBytes => _isPerProcessor ? BlockBytes : Definition.ValueBytes;

    private long BlockBytes => _isPerProcessor ? _strideBytes * ProcessorCount : _strideBytes;

    internal static MapFootprint FootprintOf(MapDefinition definition, int processors) => new(0, long.MaxValue);

    /// <summary>Makes the value of a group, of zeros, or adds a user to it.</summary>
    /// <param name="group">The group that a program is attached to.</param>
    /// <param name="place">Where it is attached; of no effect when keys have 8 bytes.</param>
    /// <returns>0, or -12 (ENOMEM) when a limit refused: see <see cref="GroupMap.LastRefusal"/>.</returns>
    public int Attach(MemoryGroup group, uint place = 0)
    {
        ArgumentNullException.ThrowIfNull(group);
        using (HeldReports.Enter(_lock))
        {
            (ulong, uint) key = KeyOf(group, place);
            if (_elements.TryGetValue(key, out Element? element))
            {
                element.Users++;
                return MapErrors.None;
            }

            byte* block = Take_NeedsLock();
            if (block == null) return MapErrors.NoMemory;
            _elements.Add(key, new Element(block));
            return MapErrors.None;
        }
    }

    /// <summary>Ends what <see cref="Attach"/> began; the value goes with its last user.</summary>
    /// <param name="group">The group.</param>
    /// <param name="place">Where the program was attached.</param>
    /// <returns>0, or -2 (ENOENT) when nothing is attached there.</returns>
    public int Detach(MemoryGroup group, uint place = 0)
    {
        ArgumentNullException.ThrowIfNull(group);
        lock (_lock)
        {
            (ulong, uint) key = KeyOf(group, place);
            if (!_elements.TryGetValue(key, out Element? element)) return MapErrors.NotFound;
            if (--element.Users > 0) return MapErrors.None;
            _elements.Remove(key);
            _idle.Push((nint)element.Block);
            return MapErrors.None;
        }
    }

    /// <summary>The value of a group, of this processor where each has its own.</summary>
    /// <param name="group">The group.</param>
    /// <param name="place">Where the program is attached.</param>
    /// <returns>The address, or null when nothing is attached there. The memory stays as long as the map.</returns>
    public byte* Find(MemoryGroup group, uint place = 0)
    {
        ArgumentNullException.ThrowIfNull(group);
        return FindOf(KeyOf(group, place));
    }

    /// <inheritdoc/>
    public override byte* Lookup(byte* key) => FindOf(KeyAt(key));

    /// <inheritdoc/>
    public override int Update(byte* key, byte* value, ulong flags)
    {
        if (flags is not (MapErrors.Any or MapErrors.OnlyExisting)) return MapErrors.Invalid;
        byte* found = FindOf(KeyAt(key));
        if (found == null) return MapErrors.NotFound;
        Unsafe.CopyBlockUnaligned(found, value, (uint)Definition.ValueBytes);
        return MapErrors.None;
    }

    /// <summary>A value is removed by detaching.</summary>
    /// <param name="key">The bytes of the key.</param>
    /// <returns>-22 (EINVAL).</returns>
    public override int Delete(byte* key) => MapErrors.Invalid;

    /// <inheritdoc/>
    public override int NextKey(byte* key, byte* next)
    {
        lock (_lock)
        {
            bool isNext = key == null || !_elements.ContainsKey(KeyAt(key));
            foreach ((ulong Group, uint Place) each in _elements.Keys)
            {
                if (isNext)
                {
                    Unsafe.WriteUnaligned(next, each.Group);
                    if (_hasPlaces) Unsafe.WriteUnaligned(next + 8, (ulong)each.Place);
                    return MapErrors.None;
                }

                isNext = each == KeyAt(key);
            }

            return MapErrors.NotFound;
        }
    }

    private protected override bool HasValueAt(ulong address, ulong bytes)
    {
        foreach (nint block in Volatile.Read(ref _blocks))
        {
            if (LiesIn((byte*)block, BlockBytes, address, bytes)) return true;
        }

        return false;
    }

    private protected override int ReadCore(byte* key, byte* value)
    {
        byte* block = key == null ? null : BlockOf(KeyAt(key));
        if (block == null) return MapErrors.NotFound;
        Buffer.MemoryCopy(block, value, HostValueBytes, HostValueBytes);
        return MapErrors.None;
    }

    private protected override int WriteCore(byte* key, byte* value, ulong flags)
    {
        if (flags is not (MapErrors.Any or MapErrors.OnlyExisting)) return MapErrors.Invalid;
        byte* block = key == null ? null : BlockOf(KeyAt(key));
        if (block == null) return MapErrors.NotFound;
        Buffer.MemoryCopy(value, block, HostValueBytes, HostValueBytes);
        return MapErrors.None;
    }

    private byte* FindOf((ulong Group, uint Place) key)
    {
        byte* block = BlockOf(key);
        return block == null || !_isPerProcessor ? block : block + (_strideBytes * ProcessorSlots.Current);
    }

    private byte* BlockOf((ulong Group, uint Place) key)
    {
        lock (_lock) return _elements.TryGetValue(key, out Element? element) ? element.Block : null;
    }

    private byte* Take_NeedsLock()
    {
        if (_idle.TryPop(out nint idle))
        {
            new Span<byte>((byte*)idle, (int)BlockBytes).Clear();
            return (byte*)idle;
        }

        byte* block = Memory.TryAllocate(BlockBytes);
        if (block != null) Volatile.Write(ref _blocks, [.. _blocks, (nint)block]);
        return block;
    }

    private (ulong, uint) KeyOf(MemoryGroup group, uint place) => (MapHandles.Of(group), _hasPlaces ? place : 0);

    private (ulong, uint) KeyAt(byte* key) =>
        (Unsafe.ReadUnaligned<ulong>(key), _hasPlaces ? Unsafe.ReadUnaligned<uint>(key + 8) : 0);

    private sealed class Element(byte* block)
    {
        public byte* Block => block;

        public int Users { get; set; } = 1;
    }
}
