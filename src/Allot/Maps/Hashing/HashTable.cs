// A hash table of fixed capacity, whose elements never move and whose readers take no lock.
//
// Terms. A *chunk* has 11 slots and a header of 16 bytes: a tag for each slot (0 when free), the number of elements
// that did not fit here and lie in a later chunk, and a sequence. An element lies in the chunk that its hash names, its
// home, or in the first one after it that had room. A slot is a key with its value behind it; where each processor has
// a value, those are an array of their own; where memory comes with the elements, a slot has the address of its
// element. A *stripe* is a run of chunks with one lock.
//
// The idea of tags, and of counting what overflows instead of leaving tombstones, is that of F14. What differs: nothing
// is ever rehashed, so an address is good for the life of the table, and readers and writers work at once.
//
// Writers hold the lock of the stripe of every chunk that they look at. Nearly always that is one; who would cross into
// another stripe lets go, takes all locks in their order, and starts anew. The first thread that writes takes no lock
// until a second one does (SoleWriter): a lock is an atomic instruction, which waits for all that was written before.
//
//   adding      1. overflow of the chunks passed over: +1   2. value, then key   3. the tag, released
//   replacing   1. sequence: odd   2. value   3. sequence: even
//   removing    1. the tag: 0   2. sequence: +2, released   3. overflow of the chunks passed over: -1
//
// Where a header is written as one, the first two steps of removing are one step (ChunkHeader). The model of all this
// is tests/Allot.Model.Tests/Hashing/hash.pml.
//
// Readers look at chunks from home on, at each: 1. sequence   2. tags and overflow   3. the keys of equal tags
// 4. sequence. They stop at an equal key if both sequences are the same, at no equal key if nothing has overflowed.
//
//   - A hit is right: the memory of a slot is used again only after its chunk's sequence has changed. So with the same
//     sequence, the key that was compared belonged to the tag that was read.
//   - A miss is right: an element that is there throughout is in one place, and every chunk before that place says that
//     something has overflowed. What was compared meanwhile belongs to others.
//   - Nobody waits for a writer, wherever it was interrupted; only who copies a value that is just being replaced does.
//
// The number of elements is limited exactly, by permits: each stripe keeps a few, the rest is in one word. Who finds
// none takes all locks and looks for those of other stripes before it says that the table is full. If it is, the next
// ones need not look: _isFull is set with all locks, and ended by whoever removes an element, before it is gone.

using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Allot.Maps;

internal sealed unsafe partial class HashTable
{
    public const int ChunkSlots = ChunkHeader.Slots;

    private readonly byte* _headers;
    private readonly byte* _keys;        // null where elements come one by one
    private readonly byte* _firstValue;  // where each value lies behind its key
    private readonly byte* _values;      // null where it does, or there are no keys
    private readonly byte** _elements;   // by slot; null where all memory is there from the start
    private readonly HashStripe* _stripes;
    private readonly Vector128<byte> _seed;
    private readonly long _keyBytes;         // rounded up to 8
    private readonly long _keyStrideBytes;   // from key to key
    private readonly long _valueBytes;       // rounded up to 8
    private readonly ulong _chunks;
    private readonly long _capacity;
    private readonly int _stripeShift;
    private readonly int _stripeCount;
    private readonly int _permitBatch;
    private readonly int _permitsMost;   // of a stripe
    private readonly ElementPool? _pool;
    private readonly SoleWriter _sole = new();
    private long _permits;
    private bool _isFull;   // once there are locks

    /// <summary>Allocates the table for a map that is being made.</summary>
    public HashTable(MapMemory memory, MapDefinition definition, HashShape shape)
    {
        _chunks = shape.Chunks;
        _stripeShift = shape.StripeShift;
        _stripeCount = shape.Stripes;
        _permitBatch = shape.PermitBatch;
        _permitsMost = 2 * _permitBatch;
        _permits = _capacity = definition.Capacity;
        _keyBytes = shape.KeyStrideBytes;
        _valueBytes = shape.ValueStrideBytes;
        _keyStrideBytes = shape.IsInterleaved ? _keyBytes + _valueBytes : _keyBytes;
        Slots = shape.Slots;
        ProcessorBytes = shape.ProcessorBytes;
        _seed = TableHash.SeedFor(definition);
        _headers = memory.Allocate(definition, shape.HeadersBytes);
        _stripes = (HashStripe*)memory.Allocate(definition, shape.StripesBytes);
        Debug.Assert(((nint)_headers | (nint)_stripes) % ChunkHeader.Bytes == 0, "Headers are aligned.");
        if (shape.IsPreallocated)
        {
            Region = _keys = memory.Allocate(definition, shape.KeysBytes);
            RegionBytes = (long)shape.KeysBytes;
            IsInterleaved = shape.IsInterleaved;
            _firstValue = _keys + _keyBytes;
            if (IsInterleaved) return;
            Region = _values = memory.Allocate(definition, shape.ValuesBytes);
            RegionBytes = (long)shape.ValuesBytes;
        }
        else
        {
            _elements = (byte**)memory.Allocate(definition, shape.ElementsBytes);
            _pool = new ElementPool(memory, shape.Elements);
        }
    }

    /// <summary>The slots, of which some are always free.</summary>
    public long Slots { get; }

    /// <summary>Whether each value lies behind its key, in memory that is there from the start.</summary>
    public bool IsInterleaved { get; }

    /// <summary>The sizes of such a slot.</summary>
    public SlotSizes Sizes => new((nuint)_keyBytes, (nuint)_keyStrideBytes);

    /// <summary>What a lookup in such a table begins with; in any other, it finds no tag.</summary>
    public HashHome Home => IsInterleaved
        ? new HashHome(_seed, _chunks, (nint)_headers, (nint)_firstValue)
        : new HashHome(_seed, Chunks: 0, (nint)_stripes->NoTags, FirstValue: 0);

    /// <summary>From the value of one processor to that of the next.</summary>
    public long ProcessorBytes { get; }

    /// <summary>The memory that all values are in, where it is there from the start; keys may lie in between.</summary>
    public byte* Region { get; }

    public long RegionBytes { get; }

    /// <summary>The elements; exact when nobody writes.</summary>
    public long Count
    {
        get
        {
            long free = Volatile.Read(ref _permits);
            for (int i = 0; i < _stripeCount; i++) free += Volatile.Read(ref _stripes[i].Permits);
            return Math.Clamp(_capacity - free, 0, _capacity);   // some may be on their way from here to there
        }
    }

    /// <summary>The value of a key; null when there is none.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public byte* Find<TKey>(TKey key)
        where TKey : struct, ITableKey => Find(key, out _, out _);

    /// <summary>Copies a value as it was at one instant.</summary>
    /// <returns>False when there is none.</returns>
    public bool TryCopy<TKey>(TKey key, ValueCopy copy)
        where TKey : struct, ITableKey
    {
        SteadySpin spin = default;
        while (true)
        {
            byte* value = Find(key, out byte* header, out Vector128<byte> seen);
            if (value == null) return false;
            if (!ChunkHeader.IsReplacing(seen))
            {
                copy.From(value, ProcessorBytes);
                if (ChunkHeader.IsUnchanged(header, seen)) return true;
            }

            spin.Once();
        }
    }

    /// <summary>The same for a value of a known type.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public bool TryCopy<TKey, TValue>(TKey key, out TValue value)
        where TKey : struct, ITableKey
        where TValue : unmanaged
    {
        TValue copy;
        bool isFound = TryCopy(key, new ValueCopy((byte*)&copy, sizeof(TValue)));
        value = isFound ? copy : default;
        return isFound;
    }

    private byte* Find<TKey>(TKey key, out byte* header, out Vector128<byte> seen)
        where TKey : struct, ITableKey
    {
        Vector128<byte> hash = key.Hash(_seed), tags = TableHash.TagsOf(hash);
        uint chunk = ChunkOf(hash), passed = 0;
        while (true)
        {
            header = HeaderOf(chunk);
            seen = ChunkHeader.Read(header);
            for (uint hits = ChunkHeader.Hits(seen, tags); ChunkHeader.AnySlot(hits); hits &= hits - 1)
            {
                uint slot = (chunk * ChunkSlots) + (uint)BitOperations.TrailingZeroCount(hits);
                byte* stored = KeyAt(slot);
                if (!key.Matches(stored)) continue;
                byte* value = ValueOf(slot, stored);
                if (ChunkHeader.IsUnchanged(header, seen)) return value;
                goto Again;
            }

            if (!ChunkHeader.HasOverflow(seen) || ++passed == _chunks) return null;
            chunk = Next(chunk);
        Again:;
        }
    }

    // 16 chunks of headers are four lines: the next one is near.
    private uint Next(uint chunk) => chunk + 1 == (uint)_chunks ? 0 : chunk + 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint ChunkOf(Vector128<byte> hash) => (uint)TableHash.ChunkOf(hash, _chunks);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* HeaderOf(nuint chunk) => _headers + (chunk * ChunkHeader.Bytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* KeyAt(uint slot) => _keys != null ? _keys + (slot * _keyStrideBytes) : _elements[slot];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* ValueOf(uint slot, byte* key) =>
        _values == null ? key + _keyBytes : _values + (slot * _valueBytes);

    private HashStripe* StripeOf(uint chunk) => _stripes + (chunk >> _stripeShift);

    [Conditional("DEBUG")]
    private void AssertHeld(uint chunk) =>
        Debug.Assert(StripeOf(chunk)->IsHeld || _sole.IsInside, "A writer holds the lock, or is the only one.");
}
