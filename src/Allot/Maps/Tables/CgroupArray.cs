namespace Allot.Maps;

/// <summary>Groups by index, for programs that ask whether they work for one of them.</summary>
public sealed unsafe class CgroupArray : IndexedMap<MemoryGroup>
{
    /// <summary>Makes the array and charges its group for it.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="definition">A key and a value have 4 bytes.</param>
    /// <exception cref="MapRefusedException">The definition is none of such an array.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public CgroupArray(MemoryGroup group, MapDefinition definition)
        : base(group, definition)
    {
    }

    /// <summary>Puts a group at an index.</summary>
    /// <param name="index">The index.</param>
    /// <param name="group">The group.</param>
    /// <returns>0, or -7 (E2BIG) when there is no such index.</returns>
    public int Put(int index, MemoryGroup group)
    {
        uint number = MapHandles.Of(group);
        return Write((byte*)&index, (byte*)&number);
    }

    /// <summary>Whether a group is the one at an index, or below it.</summary>
    /// <param name="index">The index.</param>
    /// <param name="group">The group that is asked about.</param>
    /// <returns>1 or 0, or the error of Linux as a negative number: -7 (E2BIG) when there is no such index, -11
    /// (EAGAIN) when there is no group.</returns>
    public int IsUnder(uint index, MemoryGroup group)
    {
        if (!IsIndex(index)) return MapErrors.TooBig;
        if (Find(index) is not { } above) return MapErrors.TryAgain;
        for (MemoryGroup? level = group; level is not null; level = level.Parent)
        {
            if (level == above) return 1;
        }

        return 0;
    }

    /// <summary>Adds or replaces a group, by its number: see <see cref="MapHandles"/>.</summary>
    /// <inheritdoc/>
    public override int Update(byte* key, byte* value, ulong flags)
    {
        if (flags != MapErrors.Any) return MapErrors.Invalid;
        uint index = IndexOf(key);
        if (!IsIndex(index)) return MapErrors.TooBig;
        if (!MapHandles.TryFind(NumberOf(value), out MemoryGroup? group)) return MapErrors.BadHandle;
        lock (Gate) Replace_NeedsGate(index, group);
        return MapErrors.None;
    }

    /// <inheritdoc/>
    public override int Delete(byte* key)
    {
        uint index = IndexOf(key);
        if (!IsIndex(index)) return MapErrors.TooBig;
        lock (Gate) return Replace_NeedsGate(index, null) is null ? MapErrors.NotFound : MapErrors.None;
    }

    private protected override int ReadCore(byte* key, byte* value) => MapErrors.NotSupported;
}
