// One slot after the other: what is there all the while is seen once. And the check of all that HashTable.cs promises.

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Allot.Maps;

internal sealed unsafe partial class HashTable
{
    /// <summary>Copies the key of the first element at or after a slot.</summary>
    /// <param name="slot">Where to begin; afterwards, where the element is.</param>
    /// <param name="key">Where the key goes to.</param>
    /// <param name="keyBytes">Its size.</param>
    /// <returns>The value; null after the last.</returns>
    public byte* TryNext(ref long slot, byte* key, int keyBytes)
    {
        for (; slot < Slots; slot++)
        {
            uint chunk = (uint)(slot / ChunkSlots);
            byte* header = HeaderOf(chunk);
            while (true)
            {
                uint sequence = ChunkHeader.SequenceOf(header);
                Volatile.ReadBarrier();
                if (Volatile.Read(ref header[slot % ChunkSlots]) == 0) break;
                byte* stored = KeyAt((uint)slot);
                Unsafe.CopyBlockUnaligned(key, stored, (uint)keyBytes);
                Volatile.ReadBarrier();
                if (ChunkHeader.SequenceOf(header) == sequence) return ValueOf((uint)slot, stored);
            }
        }

        return null;
    }

    /// <summary>Whether there is an element at or after a slot.</summary>
    public bool HasElementFrom(long slot)
    {
        for (; slot < Slots; slot++)
        {
            if (Volatile.Read(ref HeaderOf((uint)(slot / ChunkSlots))[slot % ChunkSlots]) != 0) return true;
        }

        return false;
    }

    /// <summary>The slot of a key.</summary>
    /// <returns>-1 when there is none.</returns>
    public long SlotOf<TKey>(TKey key)
        where TKey : struct, ITableKey
    {
        byte* value = Find(key, out byte* header, out _);
        if (value == null) return -1;
        uint chunk = (uint)((header - _headers) / ChunkHeader.Bytes);
        for (uint slot = chunk * ChunkSlots; slot < (chunk + 1) * ChunkSlots; slot++)
        {
            byte* stored = KeyAt(slot);
            if (stored != null && ValueOf(slot, stored) == value) return slot;
        }

        return -1;
    }

    /// <summary>Whether memory lies in a value of a processor; where values lie side by side, in several.</summary>
    public bool HasValueAt(ulong address, ulong bytes)
    {
        ulong at = address - (ulong)Region, key = (ulong)_keyBytes, value = (ulong)_valueBytes;
        if (_values != null) return at < (ulong)RegionBytes && bytes <= (ulong)RegionBytes - at;
        if (_pool is null)
        {
            ulong inSlot = at % (key + value);
            return at < (ulong)RegionBytes && inSlot >= key && bytes <= key + value - inSlot;
        }

        byte* element = _pool.ElementAt(address);
        ulong inElement = address - (ulong)element;
        return element != null && inElement >= key && bytes <= value - ((inElement - key) % value);
    }

    /// <summary>Walks everything. Nobody writes meanwhile.</summary>
    /// <exception cref="InvalidOperationException">Something that the top of HashTable.cs promises does not hold.
    /// </exception>
    public void Validate(Func<nint, Vector128<byte>> hashOf, long capacity)
    {
        var overflow = new long[_chunks];
        long permits = Volatile.Read(ref _permits), count = 0;
        for (uint slot = 0; slot < Slots; slot++)
        {
            uint chunk = slot / ChunkSlots;
            byte tag = HeaderOf(chunk)[slot % ChunkSlots];
            if (tag == 0) continue;
            Vector128<byte> hash = hashOf((nint)KeyAt(slot));
            Require(tag == TableHash.TagsOf(hash).ToScalar(), "a tag is of its key");
            for (uint passed = ChunkOf(hash); passed != chunk; passed = Next(passed)) overflow[passed]++;
            count++;
        }

        for (uint chunk = 0; chunk < _chunks; chunk++)
        {
            byte* header = HeaderOf(chunk);
            bool isCounted = !ChunkHeader.IsOverflowSticky(header);
            Require(!isCounted || ChunkHeader.OverflowOf(header) == overflow[chunk], "what overflows is counted");
            Require((ChunkHeader.SequenceOf(header) & 1) == 0, "no value is being replaced");
        }

        for (int i = 0; i < _stripeCount; i++)
        {
            Require(!_stripes[i].IsHeld, "no lock is held");
            permits += _stripes[i].Permits;
        }

        Require(permits + count == capacity, "each element has a permit");

        static void Require(bool holds, string truth)
        {
            if (!holds) throw new InvalidOperationException($"In a hash table, {truth}.");
        }
    }

    /// <summary>For <see cref="Validate"/>.</summary>
    public Vector128<byte> HashOf<TKey>(TKey key)
        where TKey : struct, ITableKey => key.Hash(_seed);
}
