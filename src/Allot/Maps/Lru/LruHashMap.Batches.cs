// Many elements in one call go bucket by bucket, as in Linux: those of a bucket come together or not at all, so that
// the token is the number of the next bucket.

using System.Runtime.CompilerServices;

namespace Allot.Maps;

public sealed unsafe partial class LruHashMap
{
    private protected override MapBatchKinds Batches => MapBatchKinds.All;

    private protected override int LookupBatchCore(ref MapBatch batch, bool removes)
    {
        if (batch.ElementFlags != 0 || batch.Flags != 0) return MapErrors.Invalid;
        long room = batch.Count;
        batch.Count = 0;
        if (room == 0) return MapErrors.None;
        uint at = batch.From == null ? 0 : Unsafe.ReadUnaligned<uint>(batch.From);
        if (at >= _index.BucketCount) return MapErrors.NotFound;
        for (; at < _index.BucketCount; at++)
        {
            if (TryCopyBucket(_index.BucketAt(at), ref batch, room, removes)) continue;
            Unsafe.WriteUnaligned(batch.Next, at);
            return batch.Count == 0 ? MapErrors.NoSpace : MapErrors.None;
        }

        Unsafe.WriteUnaligned(batch.Next, at);
        return MapErrors.NotFound;
    }

    // False when there is no room for all of its elements.
    private bool TryCopyBucket(LruBucket* bucket, ref MapBatch batch, long room, bool removes)
    {
        if (Volatile.Read(ref bucket->First) == 0) return true;
        int removed = 0;
        LruIndex.Lock(bucket);
        int count = 0;
        for (int link = bucket->First; link != 0; link = _index.Nodes[link - 1].Chain) count++;
        bool hasRoom = count <= room - batch.Count;
        for (int link = hasRoom ? bucket->First : 0; link != 0; link = _index.Nodes[link - 1].Chain)
        {
            CopyKey(link - 1, batch.Keys + (batch.Count * Definition.KeyBytes));
            CopyValue(link - 1, batch.Values + (batch.Count * HostValueBytes));
            batch.Count++;
        }

        if (hasRoom && removes)
        {
            removed = bucket->First;
            bucket->First = 0;
        }

        LruIndex.Unlock(bucket);

        // Nobody else has these nodes now: their links stay until each is given back.
        while (removed != 0)
        {
            int node = removed - 1;
            removed = _index.Nodes[node].Chain;
            _order.Give(node);
        }

        return hasRoom;
    }
}
