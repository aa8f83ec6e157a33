using System.Runtime.CompilerServices;

namespace Allot.Maps;

/// <summary>Maps by index, all like one template. Each pays for itself, to whatever group it is charged; it stays as
/// long as it is here, also after its owner has disposed it.</summary>
public sealed unsafe class ArrayOfMaps : IndexedMap<GroupMap>
{
    private readonly MapDefinition _template;

    /// <summary>Makes the array and charges its group for it.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="definition">A key and a value have 4 bytes; the inner map is the template.</param>
    /// <exception cref="MapRefusedException">The definition is none of such an array.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public ArrayOfMaps(MemoryGroup group, MapDefinition definition)
        : base(group, definition) => _template = definition.InnerMap!;

    /// <summary>Puts a map at an index, in place of what is there.</summary>
    /// <param name="index">The index.</param>
    /// <param name="inner">A map like the template.</param>
    /// <returns>0, or the error of Linux as a negative number: -22 (EINVAL) when it is not like the template, -7
    /// (E2BIG) when there is no such index, -9 (EBADF) when it was disposed.</returns>
    public int Put(int index, GroupMap inner)
    {
        ArgumentNullException.ThrowIfNull(inner);
        uint number = MapHandles.Of(inner);
        return Write((byte*)&index, (byte*)&number);
    }

    /// <summary>Finds the map at an index, and keeps its memory meanwhile.</summary>
    /// <param name="index">The index.</param>
    /// <param name="use">The map; dispose it after use. Empty when false is returned.</param>
    /// <returns>False when there is no map at this index.</returns>
    public bool TryGet(int index, out MapUse use)
    {
        GroupMap? inner = FindAndUse((byte*)&index);
        use = inner is null ? default : new MapUse(inner);
        return inner is not null;
    }

    /// <inheritdoc/>
    public override int Update(byte* key, byte* value, ulong flags)
    {
        if (flags != MapErrors.Any) return MapErrors.Invalid;
        uint index = IndexOf(key);
        if (!IsIndex(index)) return MapErrors.TooBig;
        int error = InnerMaps.Take(NumberOf(value), _template, out GroupMap? inner);
        if (error != MapErrors.None) return error;
        GroupMap? before;
        lock (Gate) before = Replace_NeedsGate(index, inner);
        before?.Release();
        return MapErrors.None;
    }

    /// <inheritdoc/>
    public override int Delete(byte* key)
    {
        uint index = IndexOf(key);
        if (!IsIndex(index)) return MapErrors.TooBig;
        GroupMap? before;
        lock (Gate) before = Replace_NeedsGate(index, null);
        if (before is null) return MapErrors.NotFound;
        before.Release();
        return MapErrors.None;
    }

    /// <summary>The map of a key, with one more user; null if there is none.</summary>
    internal GroupMap? FindAndUse(byte* key)
    {
        lock (Gate)
        {
            GroupMap? inner = Find(IndexOf(key));
            return inner is not null && inner.TryAddUser() ? inner : null;
        }
    }

    private protected override int ReadCore(byte* key, byte* value)
    {
        if (key == null) return MapErrors.Invalid;
        if (Find(IndexOf(key)) is not { } inner) return MapErrors.NotFound;
        Unsafe.WriteUnaligned(value, MapHandles.Of(inner));
        return MapErrors.None;
    }

    private protected override void LetGo(GroupMap before) => before.Release();
}
