// The usual case of a writer, in the fewest instructions: each value lies behind its key, this thread writes alone, and
// the first equal tag of the home is that of the key. All else goes the long way, which begins anew: so nothing here
// calls anything, and what is in a register stays there.

using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Allot.Maps;

internal sealed unsafe partial class HashTable
{
    // No error of a map: begin anew.
    private const int NotHome = int.MaxValue;

    // A lock, or the right of the only writer, is held.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int UpdateHome<TKey, TWriter, TSizes>(TKey key, TWriter value, ulong flags, TSizes sizes)
        where TKey : struct, ITableKey
        where TWriter : struct, IValueWriter, allows ref struct
        where TSizes : struct, ISlotSizes
    {
        if (!_sole.TryEnter()) return NotHome;
        Vector128<byte> hash = key.Hash(_seed);
        nuint chunk = TableHash.ChunkOf(hash, _chunks);
        byte* header = HeaderOf(chunk);
        Vector128<byte> tags = TableHash.TagsOf(hash), now = ChunkHeader.ReadOwn(header);
        uint hits = ChunkHeader.Hits(now, tags);
        int error = NotHome;
        if (ChunkHeader.AnySlot(hits))
        {
            byte* stored = SlotAt(chunk, (uint)BitOperations.TrailingZeroCount(hits), sizes);
            if (key.Matches(stored) && flags != MapErrors.OnlyNew)
            {
                ChunkHeader.BeginReplacing(header, now);
                value.Write(stored + sizes.KeyBytes, isNew: false);
                ChunkHeader.EndReplacing(header, now);
                error = MapErrors.None;
            }
        }
        else
        {
            uint holes = ChunkHeader.Hits(now, Vector128<byte>.Zero);
            HashStripe* stripe = StripeOf((uint)chunk);
            if (ChunkHeader.AnySlot(holes) && !ChunkHeader.HasOverflow(now) && stripe->Permits != 0
                && flags != MapErrors.OnlyExisting)
            {
                stripe->Permits--;
                stripe->Count++;
                uint slot = (uint)BitOperations.TrailingZeroCount(holes);
                byte* stored = SlotAt(chunk, slot, sizes);
                value.Write(stored + sizes.KeyBytes, isNew: true);
                key.Store(stored);
                ChunkHeader.Show(header, now, slot, tags);
                error = MapErrors.None;
            }
        }

        _sole.Exit();
        return error;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int RemoveHome<TKey, TSizes>(TKey key, TakenValue taken, TSizes sizes)
        where TKey : struct, ITableKey
        where TSizes : struct, ISlotSizes
    {
        if (!_sole.TryEnter()) return NotHome;
        Vector128<byte> hash = key.Hash(_seed);
        nuint chunk = TableHash.ChunkOf(hash, _chunks);
        byte* header = HeaderOf(chunk);
        Vector128<byte> now = ChunkHeader.ReadOwn(header);
        uint hits = ChunkHeader.Hits(now, TableHash.TagsOf(hash));
        HashStripe* stripe = StripeOf((uint)chunk);
        int error = NotHome;
        if (ChunkHeader.AnySlot(hits) && stripe->Permits < _permitsMost)
        {
            uint slot = (uint)BitOperations.TrailingZeroCount(hits);
            byte* stored = SlotAt(chunk, slot, sizes);
            if (key.Matches(stored))
            {
                if (taken.To != null) Copy(stored + sizes.KeyBytes, taken);
                ChunkHeader.Hide(header, now, slot);
                stripe->Count--;
                stripe->Permits++;
                error = MapErrors.None;
            }
        }

        _sole.Exit();
        return error;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* SlotAt<TSizes>(nuint chunk, nuint slot, TSizes sizes)
        where TSizes : struct, ISlotSizes =>
        _keys + (((chunk * ChunkSlots) + slot) * sizes.StrideBytes);
}
