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
    public int Update<TKey, TWriter, TSizes>(TKey key, TWriter value, ulong flags, TSizes sizes)
        where TKey : struct, ITableKey
        where TWriter : struct, IValueWriter, allows ref struct
        where TSizes : struct, ISlotSizes
    {
        if (flags > MapErrors.OnlyExisting) return MapErrors.Invalid;
        nuint page = SoleWriter.Page;
        return IsInterleaved && _sole.TryEnterAgain(page)
            ? UpdateAlone(key, value, flags, sizes)
            : UpdateAnywhere(key, value, flags, page);
    }

    /// <summary>Removes an element, after its value was copied.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Remove<TKey, TSizes>(TKey key, ValueCopy taken, TSizes sizes)
        where TKey : struct, ITableKey
        where TSizes : struct, ISlotSizes
    {
        nuint page = SoleWriter.Page;
        return IsInterleaved && _sole.TryEnterAgain(page)
            ? RemoveAlone(key, taken, sizes)
            : RemoveAnywhere(key, taken, page);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private int UpdateAnywhere<TKey, TWriter>(TKey key, TWriter value, ulong flags, nuint page)
        where TKey : struct, ITableKey
        where TWriter : struct, IValueWriter, allows ref struct
    {
        if (_pool is null) return UpdateWithLocks(key, value, flags, page);
        TraceReport.HoldBack();   // policies may use the map when it is told what it was charged
        try
        {
            return UpdateWithLocks(key, value, flags, page);
        }
        finally
        {
            TraceReport.LetGo();
        }
    }

    // Who takes memory can be told by an exception that it may not, and must not keep the lock.
    private int UpdateWithLocks<TKey, TWriter>(TKey key, TWriter value, ulong flags, nuint page)
        where TKey : struct, ITableKey
        where TWriter : struct, IValueWriter, allows ref struct
    {
        Vector128<byte> hash = key.Hash(_seed);
        HashStripe* stripe = StripeOf(ChunkOf(hash));
        bool isSole = EnterToWrite(stripe, page);
        int error;
        try
        {
            error = UpdateHeld(key, hash, value, flags, isSole ? null : stripe);
        }
        finally
        {
            ExitFromWriting(stripe, isSole);
        }

        if (error != NeedsAllLocks) return error;
        EnterAll();
        try
        {
            error = UpdateHeld(key, hash, value, flags, held: null);
            if (error == MapErrors.TooBig) Volatile.Write(ref _isFull, true);
            return error;
        }
        finally
        {
            ExitAll();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private int RemoveAnywhere<TKey>(TKey key, ValueCopy taken, nuint page)
        where TKey : struct, ITableKey
    {
        Vector128<byte> hash = key.Hash(_seed);
        HashStripe* stripe = StripeOf(ChunkOf(hash));
        bool isSole = EnterToWrite(stripe, page);
        int error = RemoveHeld(key, hash, taken, isSole ? null : stripe);
        ExitFromWriting(stripe, isSole);
        if (error != NeedsAllLocks) return error;
        EnterAll();
        error = RemoveHeld(key, hash, taken, held: null);
        ExitAll();
        return error;
    }

    // True where nobody else writes, and so no lock is taken.
    private bool EnterToWrite(HashStripe* stripe, nuint page)
    {
        if (_sole.TryEnter(page)) return true;
        stripe->Enter();
        return false;
    }

    private void ExitFromWriting(HashStripe* stripe, bool isSole)
    {
        if (isSole) _sole.Exit();
        else stripe->Exit();
    }

    // Held is the stripe of the home; null when all are, or nobody else writes.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int UpdateHeld<TKey, TWriter>(TKey key, Vector128<byte> hash, TWriter value, ulong flags, HashStripe* held)
        where TKey : struct, ITableKey
        where TWriter : struct, IValueWriter, allows ref struct
    {
        uint slot = FindHeld(key, hash, held, out uint free);
        if (slot == NeedsAllSlots) return NeedsAllLocks;
        if (slot != NoSlot)
        {
            if (flags == MapErrors.OnlyNew) return MapErrors.Exists;
            byte* header = HeaderOf(slot / ChunkSlots);
            Vector128<byte> now = ChunkHeader.ReadOwn(header);
            ChunkHeader.BeginReplacing(header, now);
            value.Write(ValueOf(slot, KeyAt(slot)), isNew: false);
            ChunkHeader.EndReplacing(header, now);
            return MapErrors.None;
        }

        if (flags == MapErrors.OnlyExisting) return MapErrors.NotFound;
        return Add(key, hash, value, free, held);
    }

    private int Add<TKey, TWriter>(TKey key, Vector128<byte> hash, TWriter value, uint slot, HashStripe* held)
        where TKey : struct, ITableKey
        where TWriter : struct, IValueWriter, allows ref struct
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
        for (uint passed = home; passed != chunk; passed = Next(passed)) ChunkHeader.AddOverflow(HeaderOf(passed), 1);
        byte* stored = KeyAt(slot);
        value.Write(ValueOf(slot, stored), isNew: true);
        key.Store(stored);
        byte* header = HeaderOf(chunk);
        Vector128<byte> tags = TableHash.TagsOf(hash);
        ChunkHeader.Show(header, ChunkHeader.ReadOwn(header), slot - (chunk * ChunkSlots), tags);
        return MapErrors.None;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int RemoveHeld<TKey>(TKey key, Vector128<byte> hash, ValueCopy taken, HashStripe* held)
        where TKey : struct, ITableKey
    {
        uint slot = FindHeld(key, hash, held, out _);
        if (slot == NeedsAllSlots) return NeedsAllLocks;
        if (slot == NoSlot) return MapErrors.NotFound;
        if (taken.To != null) taken.From(ValueOf(slot, KeyAt(slot)), ProcessorBytes);
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
        if (Volatile.Read(ref _isFull)) Volatile.Write(ref _isFull, false);   // before anybody sees that there is room
        ChunkHeader.Hide(header, ChunkHeader.ReadOwn(header), slot - (chunk * ChunkSlots));
        for (uint passed = home; passed != chunk; passed = Next(passed)) ChunkHeader.AddOverflow(HeaderOf(passed), -1);
        if (_elements != null) GiveElement(stripe, _elements[slot]);
        if (++stripe->Permits <= _permitsMost) return;
        stripe->Permits -= _permitBatch;
        Interlocked.Add(ref _permits, _permitBatch);
    }

    private const uint NeedsAllSlots = uint.MaxValue - 1;

    // Where a key is, or else the first free slot on the way; NoSlot where there is none either.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint FindHeld<TKey>(TKey key, Vector128<byte> hash, HashStripe* held, out uint free)
        where TKey : struct, ITableKey
    {
        uint chunk = ChunkOf(hash);
        Vector128<byte> tags = TableHash.TagsOf(hash);
        free = NoSlot;
        for (uint passed = 0; passed < _chunks; passed++)
        {
            if (held != null && StripeOf(chunk) != held) return NeedsAllSlots;
            Vector128<byte> now = ChunkHeader.ReadOwn(HeaderOf(chunk));
            for (uint hits = ChunkHeader.Hits(now, tags); ChunkHeader.AnySlot(hits); hits &= hits - 1)
            {
                uint slot = (chunk * ChunkSlots) + (uint)BitOperations.TrailingZeroCount(hits);
                if (key.Matches(KeyAt(slot))) return slot;
            }

            uint holes = ChunkHeader.Hits(now, Vector128<byte>.Zero);
            if (free == NoSlot && ChunkHeader.AnySlot(holes))
            {
                free = (chunk * ChunkSlots) + (uint)BitOperations.TrailingZeroCount(holes);
            }

            if (!ChunkHeader.HasOverflow(now)) break;
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
            uint holes = ChunkHeader.Hits(ChunkHeader.ReadOwn(HeaderOf(chunk)), Vector128<byte>.Zero);
            if (ChunkHeader.AnySlot(holes))
            {
                return (chunk * ChunkSlots) + (uint)BitOperations.TrailingZeroCount(holes);
            }

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

    // From the word of all, or from other stripes; with all locks held, from each of them.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryGetPermits(HashStripe* stripe, bool holdsAll, out int error)
    {
        error = MapErrors.None;
        if (!holdsAll && Volatile.Read(ref _isFull))
        {
            error = MapErrors.TooBig;
            return false;
        }

        while (true)
        {
            long there = Volatile.Read(ref _permits);
            if (there == 0) break;
            int taken = (int)Math.Min(there, _permitBatch);
            if (Interlocked.CompareExchange(ref _permits, there - taken, there) != there) continue;
            stripe->Permits += taken;
            return true;
        }

        // Only with all locks is it certain that there are none: a permit can be on its way from stripe to stripe.
        error = holdsAll ? MapErrors.TooBig : NeedsAllLocks;
        if (!holdsAll) return false;
        for (int i = 0; i < _stripeCount; i++)
        {
            if (_stripes[i].Permits == 0) continue;
            _stripes[i].Permits--;
            stripe->Permits++;
            error = MapErrors.None;
            return true;
        }

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

    private void EnterAll()
    {
        for (int i = 0; i < _stripeCount; i++) _stripes[i].Enter();
    }

    private void ExitAll()
    {
        for (int i = 0; i < _stripeCount; i++) _stripes[i].Exit();
    }
}
