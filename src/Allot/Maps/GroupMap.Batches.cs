// Calls on many elements. What a type does not have is ENOTSUPP. The general lookup walks keys in their order, and its
// token is the last key; a hash has its own, which walks buckets (HashMap). Count is what was processed, also when
// there was an error.

namespace Allot.Maps;

public abstract unsafe partial class GroupMap
{
    /// <summary>Copies keys and values, from where the call before has ended.</summary>
    /// <param name="batch">Where to.</param>
    /// <returns>0, or the error of Linux as a negative number. -2 (ENOENT): these are the last elements. -28 (ENOSPC):
    /// there is no room for as many as come together.</returns>
    public int LookupBatch(ref MapBatch batch)
    {
        if ((Batches & MapBatchKinds.Lookup) == 0) return Unsupported(ref batch);
        if (Definition.Has(MapFlags.WriteOnly)) return Refused(ref batch);
        return LookupBatchCore(ref batch, removes: false);
    }

    /// <summary>Copies and removes elements, from where the call before has ended.</summary>
    /// <param name="batch">Where to.</param>
    /// <inheritdoc cref="LookupBatch"/>
    public int LookupAndDeleteBatch(ref MapBatch batch)
    {
        if ((Batches & MapBatchKinds.LookupAndDelete) == 0) return Unsupported(ref batch);
        if (!MayWrite || Definition.Has(MapFlags.WriteOnly)) return Refused(ref batch);
        return LookupBatchCore(ref batch, removes: true);
    }

    /// <summary>Adds or replaces elements, until one is refused.</summary>
    /// <param name="batch">Keys and values.</param>
    /// <returns>0, or the error of Linux of the first element that was refused, as a negative number.</returns>
    public int UpdateBatch(ref MapBatch batch)
    {
        if ((Batches & MapBatchKinds.Update) == 0) return Unsupported(ref batch);
        if (!MayWrite) return Refused(ref batch);
        if ((batch.ElementFlags & ~MapErrors.UnderLock) != 0 || batch.Flags != 0) return MapErrors.Invalid;
        if ((batch.ElementFlags & MapErrors.UnderLock) != 0) return MapErrors.Invalid;
        long count = batch.Count;
        for (batch.Count = 0; batch.Count < count; batch.Count++)
        {
            byte* key = batch.Keys + (batch.Count * Definition.KeyBytes);
            int error = WriteCore(key, batch.Values + (batch.Count * HostValueBytes), MapErrors.Any);
            if (error != MapErrors.None) return error;
        }

        return MapErrors.None;
    }

    /// <summary>Removes elements, until one is not there.</summary>
    /// <param name="batch">Keys.</param>
    /// <returns>0, or the error of Linux of the first element that was refused, as a negative number.</returns>
    public int DeleteBatch(ref MapBatch batch)
    {
        if ((Batches & MapBatchKinds.Delete) == 0) return Unsupported(ref batch);
        if (!MayWrite) return Refused(ref batch);
        if (batch.ElementFlags != 0 || batch.Flags != 0) return MapErrors.Invalid;
        long count = batch.Count;
        for (batch.Count = 0; batch.Count < count; batch.Count++)
        {
            int error = Delete(batch.Keys + (batch.Count * Definition.KeyBytes));
            if (error != MapErrors.None) return error;
        }

        return MapErrors.None;
    }

    /// <summary>What this type has.</summary>
    private protected virtual MapBatchKinds Batches => MapBatchKinds.None;

    /// <summary>Copies elements in the order of <see cref="NextKey"/>; the token is the last key.</summary>
    private protected virtual int LookupBatchCore(ref MapBatch batch, bool removes)
    {
        if (batch.ElementFlags != 0 || batch.Flags != 0) return MapErrors.Invalid;
        long count = batch.Count;
        batch.Count = 0;
        if (count == 0) return MapErrors.None;
        int keyBytes = Definition.KeyBytes;
        byte* before = batch.From;
        int error = MapErrors.None;
        while (batch.Count < count)
        {
            byte* key = batch.Keys + (batch.Count * keyBytes);
            error = NextKey(before, key);
            if (error != MapErrors.None) break;
            before = key;
            error = ReadCore(key, batch.Values + (batch.Count * HostValueBytes));
            if (error == MapErrors.NotFound) continue;   // gone meanwhile
            if (error != MapErrors.None) return error;
            batch.Count++;
        }

        // Also at the end of the map, which a caller may ask again for from here: there may be more by then.
        if (batch.Count > 0) Buffer.MemoryCopy(before, batch.Next, keyBytes, keyBytes);
        return error;
    }

    private static int Unsupported(ref MapBatch batch)
    {
        batch.Count = 0;
        return MapErrors.NotSupported;
    }

    private static int Refused(ref MapBatch batch)
    {
        batch.Count = 0;
        return MapErrors.NotPermitted;
    }
}
