// Adding, replacing, removing: see the top of HashTable.cs.

using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Allot.Maps;

internal sealed unsafe partial class HashTable
{
    // No error of a map: the locks that are held are not enough.
    private const int NeedsAllLocks = int.MinValue;
    private const uint NoSlot = uint.MaxValue;

    /// <summary>Adds or replaces an element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Update<TKey, TWriter>(TKey key, TWriter value, ulong flags)
        where TKey : struct, ITableKey
        where TWriter : struct, IValueWriter
    {
        if (flags > MapErrors.OnlyExisting) return MapErrors.Invalid;
        ulong hash = key.Hash(_seed);
        if (_pool is not null) return UpdateWithPool(key, hash, value, flags);
        if (_sole.TryEnter())
        {
            int result = UpdateHeld(key, hash, value, flags, held: null);
            _sole.Exit();
            return result;
        }

        HashStripe* stripe = StripeOf(ChunkOf(hash));
        stripe->Enter();
        int error = UpdateHeld(key, hash, value, flags, stripe);
        stripe->Exit();
        return error != NeedsAllLocks ? error : UpdateWithAllLocks(key, hash, value, flags);
    }

    /// <summary>Removes an element, after its value was copied to <paramref name="taken"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Remove<TKey>(TKey key, byte* taken = null, long valueBytes = 0, int processors = 0)
        where TKey : struct, ITableKey
    {
        ulong hash = key.Hash(_seed);
        var copy = new TakenValue(taken, valueBytes, processors);
        if (_sole.TryEnter())
        {
            int result = RemoveHeld(key, hash, copy, held: null);
            _sole.Exit();
            return result;
        }

        HashStripe* stripe = StripeOf(ChunkOf(hash));
        stripe->Enter();
        int error = RemoveHeld(key, hash, copy, stripe);
        stripe->Exit();
        return error != NeedsAllLocks ? error : RemoveWithAllLocks(key, hash, copy);
    }

    // Who takes memory can be told by an exception that it may not, and must not keep the lock.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private int UpdateWithPool<TKey, TWriter>(TKey key, ulong hash, TWriter value, ulong flags)
        where TKey : struct, ITableKey
        where TWriter : struct, IValueWriter
    {
        if (_sole.TryEnter())
        {
            try
            {
                return UpdateHeld(key, hash, value, flags, held: null);
            }
            finally
            {
                _sole.Exit();
            }
        }

        HashStripe* stripe = StripeOf(ChunkOf(hash));
        stripe->Enter();
        int error;
        try
        {
            error = UpdateHeld(key, hash, value, flags, stripe);
        }
        finally
        {
            stripe->Exit();
        }

        return error != NeedsAllLocks ? error : UpdateWithAllLocks(key, hash, value, flags);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private int UpdateWithAllLocks<TKey, TWriter>(TKey key, ulong hash, TWriter value, ulong flags)
        where TKey : struct, ITableKey
        where TWriter : struct, IValueWriter
    {
        EnterAll();
        try
        {
            return UpdateHeld(key, hash, value, flags, held: null);
        }
        finally
        {
            ExitAll();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private int RemoveWithAllLocks<TKey>(TKey key, ulong hash, TakenValue taken)
        where TKey : struct, ITableKey
    {
        EnterAll();
        int error = RemoveHeld(key, hash, taken, held: null);
        ExitAll();
        return error;
    }

    // Held is the stripe of the home; null when all are, or nobody else writes.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int UpdateHeld<TKey, TWriter>(TKey key, ulong hash, TWriter value, ulong flags, HashStripe* held)
        where TKey : struct, ITableKey
        where TWriter : struct, IValueWriter
    {
        uint slot = FindHeld(key, hash, held, out uint free);
        if (slot == NeedsAllSlots) return NeedsAllLocks;
        if (slot != NoSlot)
        {
            if (flags == MapErrors.OnlyNew) return MapErrors.Exists;
            byte* header = HeaderOf(slot / ChunkSlots);
            uint sequence = SequenceOf(header);
            *(uint*)(header + SequenceAt) = sequence + 1;
            Volatile.WriteBarrier();
            value.Write(ValueOf(slot, KeyAt(slot)), isNew: false);
            Volatile.Write(ref *(uint*)(header + SequenceAt), sequence + 2);
            return MapErrors.None;
        }

        if (flags == MapErrors.OnlyExisting) return MapErrors.NotFound;
        return Add(key, hash, value, free, held);
    }

    private int Add<TKey, TWriter>(TKey key, ulong hash, TWriter value, uint slot, HashStripe* held)
        where TKey : struct, ITableKey
        where TWriter : struct, IValueWriter
    {
        uint home = ChunkOf(hash);
        if (slot == NoSlot)
        {
            slot = FreeSlotAfter(home, held);
            if (slot == NeedsAllSlots) return NeedsAllLocks;
        }

        uint chunk = slot / ChunkSlots;
        HashStripe* stripe = StripeOf(chunk);
        AssertHeld(chunk);
        if (stripe->Permits == 0 && !TryGetPermits(stripe, held == null, out int error)) return error;
        if (_elements != null)
        {
            byte* element = TakeElement(stripe);
            if (element == null) return MapErrors.NoMemory;
            _elements[slot] = element;
        }

        stripe->Permits--;
        stripe->Count++;
        for (uint passed = home; passed != chunk; passed = Next(passed)) CountOverflow(passed, 1);
        byte* stored = KeyAt(slot);
        value.Write(ValueOf(slot, stored), isNew: true);
        key.Store(stored);
        Volatile.Write(ref HeaderOf(chunk)[slot - (chunk * ChunkSlots)], TagOf(hash));
        return MapErrors.None;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int RemoveHeld<TKey>(TKey key, ulong hash, TakenValue taken, HashStripe* held)
        where TKey : struct, ITableKey
    {
        uint slot = FindHeld(key, hash, held, out _);
        if (slot == NeedsAllSlots) return NeedsAllLocks;
        if (slot == NoSlot) return MapErrors.NotFound;
        if (taken.To != null) Copy(ValueOf(slot, KeyAt(slot)), taken);
        RemoveSlot(slot, ChunkOf(hash));
        return MapErrors.None;
    }

    // The locks of its chunk and of all from home on are held.
    private void RemoveSlot(uint slot, uint home)
    {
        uint chunk = slot / ChunkSlots;
        AssertHeld(chunk);
        byte* header = HeaderOf(chunk);
        HashStripe* stripe = StripeOf(chunk);
        Volatile.Write(ref header[slot - (chunk * ChunkSlots)], 0);
        Volatile.Write(ref *(uint*)(header + SequenceAt), SequenceOf(header) + 2);
        Volatile.WriteBarrier();
        for (uint passed = home; passed != chunk; passed = Next(passed)) CountOverflow(passed, -1);
        if (_elements != null) GiveElement(stripe, _elements[slot]);
        stripe->Count--;
        if (++stripe->Permits > 2 * _permitBatch)
        {
            stripe->Permits -= _permitBatch;
            Interlocked.Add(ref _permits, _permitBatch);
        }
    }

    private const uint NeedsAllSlots = uint.MaxValue - 1;

    // Where a key is, or else the first free slot on the way; NoSlot where there is none either.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint FindHeld<TKey>(TKey key, ulong hash, HashStripe* held, out uint free)
        where TKey : struct, ITableKey
    {
        uint chunk = ChunkOf(hash);
        Vector128<byte> wanted = Vector128.Create(TagOf(hash));
        free = NoSlot;
        for (uint passed = 0; passed < _chunks; passed++)
        {
            if (held != null && StripeOf(chunk) != held) return NeedsAllSlots;
            byte* header = HeaderOf(chunk);
            Vector128<byte> tags = Vector128.Load(header);
            uint hits = Vector128.Equals(tags, wanted).ExtractMostSignificantBits() & SlotMask;
            for (; hits != 0; hits &= hits - 1)
            {
                uint slot = (chunk * ChunkSlots) + (uint)BitOperations.TrailingZeroCount(hits);
                if (key.Matches(KeyAt(slot))) return slot;
            }

            if (free == NoSlot)
            {
                uint holes = Vector128.Equals(tags, Vector128<byte>.Zero).ExtractMostSignificantBits() & SlotMask;
                if (holes != 0) free = (chunk * ChunkSlots) + (uint)BitOperations.TrailingZeroCount(holes);
            }

            if (tags.GetElement(OverflowAt) == 0) break;
            chunk = Next(chunk);
        }

        return NoSlot;
    }

    private uint FreeSlotAfter(uint home, HashStripe* held)
    {
        uint chunk = home;
        while (true)
        {
            if (held != null && StripeOf(chunk) != held) return NeedsAllSlots;
            Vector128<byte> tags = Vector128.Load(HeaderOf(chunk));
            uint holes = Vector128.Equals(tags, Vector128<byte>.Zero).ExtractMostSignificantBits() & SlotMask;
            if (holes != 0) return (chunk * ChunkSlots) + (uint)BitOperations.TrailingZeroCount(holes);
            chunk = Next(chunk);

            // There are more slots than permits. But without a permit, all may be in use.
            if (chunk == home) return FullSlot(home);
        }
    }

    private static uint FullSlot(uint home)
    {
        Debug.Fail("There are more slots than elements.");
        return home * ChunkSlots;
    }

    private void CountOverflow(uint chunk, int change)
    {
        byte* header = HeaderOf(chunk);
        byte overflow = header[OverflowAt];
        if (overflow != Sticky) Volatile.Write(ref header[OverflowAt], (byte)(overflow + change));
    }

    // From the word of all, or from other stripes; with all locks held, from each of them.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryGetPermits(HashStripe* stripe, bool holdsAll, out int error)
    {
        error = MapErrors.None;
        while (true)
        {
            long there = Volatile.Read(ref _permits);
            if (there == 0) break;
            int taken = (int)Math.Min(there, _permitBatch);
            if (Interlocked.CompareExchange(ref _permits, there - taken, there) != there) continue;
            stripe->Permits += taken;
            return true;
        }

        int elsewhere = 0;
        for (int i = 0; i < _stripeCount; i++) elsewhere += Volatile.Read(ref _stripes[i].Permits);
        error = elsewhere == 0 ? MapErrors.TooBig : NeedsAllLocks;
        if (elsewhere == 0 || !holdsAll) return false;
        for (int i = 0; i < _stripeCount; i++)
        {
            if (_stripes[i].Permits == 0) continue;
            _stripes[i].Permits--;
            stripe->Permits++;
            error = MapErrors.None;
            return true;
        }

        Debug.Fail("With all locks held, nobody else takes permits.");
        return false;
    }

    private byte* TakeElement(HashStripe* stripe)
    {
        byte* element = stripe->Spare;
        if (element == null)
        {
            element = _pool!.TryTake(ElementPool.Batch, out int taken);
            if (element == null) return null;
            stripe->SpareCount = taken;
        }

        stripe->Spare = *(byte**)element;
        stripe->SpareCount--;
        return element;
    }

    private void GiveElement(HashStripe* stripe, byte* element)
    {
        *(byte**)element = stripe->Spare;
        stripe->Spare = element;
        if (++stripe->SpareCount < 2 * ElementPool.Batch) return;
        byte* first = stripe->Spare, last = first;
        for (int i = 1; i < ElementPool.Batch; i++) last = *(byte**)last;
        stripe->Spare = *(byte**)last;
        stripe->SpareCount -= ElementPool.Batch;
        *(byte**)last = null;
        _pool!.Give(first);
    }

    private void Copy(byte* value, TakenValue taken)
    {
        for (int i = 0; i < taken.Processors; i++)
        {
            byte* to = taken.To + (i * taken.Bytes);
            Unsafe.CopyBlockUnaligned(to, value + (i * ProcessorBytes), (uint)taken.Bytes);
        }
    }

    private void EnterAll()
    {
        for (int i = 0; i < _stripeCount; i++) _stripes[i].Enter();
    }

    private void ExitAll()
    {
        for (int i = 0; i < _stripeCount; i++) _stripes[i].Exit();
    }

    private readonly struct TakenValue(byte* to, long bytes, int processors)
    {
        public byte* To { get; } = to;

        public long Bytes { get; } = bytes;

        public int Processors { get; } = processors;
    }
}
