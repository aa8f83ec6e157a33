// The usual case of a writer, in the fewest instructions: each value lies behind its key, this thread writes alone, and
// the first equal tag of the home is that of the key. All else goes a longer way, which begins anew: so nothing here
// calls anything before its end, and what is in a register stays there.

using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Allot.Maps;

internal sealed unsafe partial class HashTable
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int UpdateAlone<TKey, TWriter, TSizes>(TKey key, TWriter value, ulong flags, TSizes sizes)
        where TKey : struct, ITableKey
        where TWriter : struct, IValueWriter, allows ref struct
        where TSizes : struct, ISlotSizes
    {
        Vector128<byte> hash = key.Hash(_seed);
        nuint chunk = TableHash.ChunkOf(hash, _chunks);
        byte* header = HeaderOf(chunk);
        Vector128<byte> tags = TableHash.TagsOf(hash), now = ChunkHeader.ReadOwn(header);
        uint hits = ChunkHeader.Hits(now, tags);
        if (ChunkHeader.AnySlot(hits))
        {
            byte* value0 = ValueAt(chunk, (uint)BitOperations.TrailingZeroCount(hits), sizes);
            if (key.Matches(value0 - sizes.KeyBytes) && flags != MapErrors.OnlyNew)
            {
                ChunkHeader.BeginReplacing(header, now);
                value.Write(value0, isNew: false);
                ChunkHeader.EndReplacing(header, now);
                _sole.Exit();
                return MapErrors.None;
            }
        }
        else if (!ChunkHeader.HasOverflow(now) && flags != MapErrors.OnlyExisting)
        {
            uint holes = ChunkHeader.Hits(now, Vector128<byte>.Zero);
            if (ChunkHeader.AnySlot(holes) && _stripes->Permits != 0)
            {
                _stripes->Permits--;
                uint slot = (uint)BitOperations.TrailingZeroCount(holes);
                byte* value0 = ValueAt(chunk, slot, sizes);
                value.Write(value0, isNew: true);
                key.Store(value0 - sizes.KeyBytes);
                ChunkHeader.Show(header, now, slot, tags);
                _sole.Exit();
                return MapErrors.None;
            }
        }

        return UpdateBeyondHome(key, value, flags);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int RemoveAlone<TKey, TSizes>(TKey key, ValueCopy taken, TSizes sizes)
        where TKey : struct, ITableKey
        where TSizes : struct, ISlotSizes
    {
        Vector128<byte> hash = key.Hash(_seed);
        nuint chunk = TableHash.ChunkOf(hash, _chunks);
        byte* header = HeaderOf(chunk);
        Vector128<byte> now = ChunkHeader.ReadOwn(header);
        uint hits = ChunkHeader.Hits(now, TableHash.TagsOf(hash));
        if (ChunkHeader.AnySlot(hits) && _stripes->Permits < _permitsMost)
        {
            uint slot = (uint)BitOperations.TrailingZeroCount(hits);
            byte* value = ValueAt(chunk, slot, sizes);
            if (key.Matches(value - sizes.KeyBytes))
            {
                if (taken.To != null) taken.From(value, ProcessorBytes);
                ChunkHeader.Hide(header, now, slot);
                _stripes->Permits++;
                _sole.Exit();
                return MapErrors.None;
            }
        }

        return RemoveBeyondHome(key, taken);
    }

    // This thread is the only writer, and stays so until the end.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private int UpdateBeyondHome<TKey, TWriter>(TKey key, TWriter value, ulong flags)
        where TKey : struct, ITableKey
        where TWriter : struct, IValueWriter, allows ref struct
    {
        int error = UpdateHeld(key, key.Hash(_seed), value, flags, held: null);
        _sole.Exit();
        return error;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private int RemoveBeyondHome<TKey>(TKey key, ValueCopy taken)
        where TKey : struct, ITableKey
    {
        int error = RemoveHeld(key, key.Hash(_seed), taken, held: null);
        _sole.Exit();
        return error;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* ValueAt<TSizes>(nuint chunk, nuint slot, TSizes sizes)
        where TSizes : struct, ISlotSizes =>
        _firstValue + (((chunk * ChunkSlots) + slot) * sizes.StrideBytes);
}
