// The usual lookup, which the compiler makes code of its own for: each value lies behind its key, and the first equal
// tag of the home is that of the key. All else goes the long way, which begins anew.
//
// A lookup waits for memory, and meanwhile the processor begins the next ones: as many as it has registers for. So each
// instruction costs time that overlaps with nothing, above all those that need a general register.

using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Allot.Maps;

public sealed unsafe partial class HashMap<TKey, TValue>
{
    // HashTable.Home; each a field, as the address of a structure would need a register.
    private readonly Vector128<byte> _seed;
    private readonly ulong _chunks;
    private readonly byte* _headers;
    private readonly byte* _firstValue;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* Find(TKey key)
    {
        if (sizeof(TKey) == sizeof(ulong)) return Find(new Key8(Unsafe.BitCast<TKey, ulong>(key)));
        if (sizeof(TKey) == sizeof(uint)) return Find(new Key4(Unsafe.BitCast<TKey, uint>(key)));
        return Find(new KeyBytes((byte*)&key, sizeof(TKey)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryCopy(TKey key, out TValue value)
    {
        if (sizeof(TKey) == sizeof(ulong)) return TryCopy(new Key8(Unsafe.BitCast<TKey, ulong>(key)), out value);
        if (sizeof(TKey) == sizeof(uint)) return TryCopy(new Key4(Unsafe.BitCast<TKey, uint>(key)), out value);
        return TryCopy(new KeyBytes((byte*)&key, sizeof(TKey)), out value);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* Find<TTableKey>(TTableKey key)
        where TTableKey : struct, ITableKey
    {
        bool isHome = TryFindHome(key, out byte* value, out byte* header, out Vector128<byte> seen);
        return isHome && ChunkHeader.IsUnchanged(header, seen) ? value : _table.Find(key);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryCopy<TTableKey>(TTableKey key, out TValue value)
        where TTableKey : struct, ITableKey
    {
        if (TryFindHome(key, out byte* found, out byte* header, out Vector128<byte> seen)
            && !ChunkHeader.IsReplacing(seen))
        {
            value = Unsafe.ReadUnaligned<TValue>(found);
            if (ChunkHeader.IsUnchanged(header, seen)) return true;
        }

        return _table.TryCopy(key, out value);
    }

    // What it finds is right if the header is unchanged afterwards.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryFindHome<TTableKey>(TTableKey key, out byte* value, out byte* header, out Vector128<byte> seen)
        where TTableKey : struct, ITableKey
    {
        SlotSizes<TKey, TValue> sizes = default;
        Vector128<byte> hash = key.Hash(_seed);
        nuint chunk = TableHash.ChunkOf(hash, _chunks);
        header = _headers + (chunk * ChunkHeader.Bytes);
        seen = ChunkHeader.Read(header);
        uint hits = ChunkHeader.Hits(seen, TableHash.TagsOf(hash));
        nuint slot = (chunk * ChunkHeader.Slots) + (uint)BitOperations.TrailingZeroCount(hits);
        value = _firstValue + (slot * sizes.StrideBytes);
        return ChunkHeader.AnySlot(hits) && key.Matches(value - sizes.KeyBytes);
    }
}
