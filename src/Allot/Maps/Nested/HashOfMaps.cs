using System.Runtime.CompilerServices;

namespace Allot.Maps;

/// <summary>Maps by keys of any bytes, all like one template. Each pays for itself, to whatever group it is charged; it
/// stays as long as it is here, also after its owner has disposed it.</summary>
public sealed unsafe class HashOfMaps : KeyedMap<GroupMap>
{
    private readonly MapDefinition _template;

    /// <summary>Makes the map and charges its group for it.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="definition">A value has 4 bytes; the inner map is the template.</param>
    /// <exception cref="MapRefusedException">The definition is none of such a map.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public HashOfMaps(MemoryGroup group, MapDefinition definition)
        : base(group, definition) => _template = definition.InnerMap!;

    /// <summary>Puts a map under a key, in place of what is there.</summary>
    /// <param name="key">The bytes of the key.</param>
    /// <param name="inner">A map like the template.</param>
    /// <returns>0, or the error of Linux as a negative number: -22 (EINVAL) when it is not like the template, -7
    /// (E2BIG) when there is no room, -9 (EBADF) when it was disposed.</returns>
    /// <exception cref="ArgumentException">The key has another size.</exception>
    public int Put(ReadOnlySpan<byte> key, GroupMap inner)
    {
        ArgumentNullException.ThrowIfNull(inner);
        RequireKey(key);
        uint number = MapHandles.Of(inner);
        fixed (byte* bytes = key) return Write(bytes, (byte*)&number);
    }

    /// <summary>Finds the map of a key, and keeps its memory meanwhile.</summary>
    /// <param name="key">The bytes of the key.</param>
    /// <param name="use">The map; dispose it after use. Empty when false is returned.</param>
    /// <returns>False when there is no map under this key.</returns>
    /// <exception cref="ArgumentException">The key has another size.</exception>
    public bool TryGet(ReadOnlySpan<byte> key, out MapUse use)
    {
        RequireKey(key);
        GroupMap? inner;
        fixed (byte* bytes = key) inner = FindAndUse(bytes);
        use = inner is null ? default : new MapUse(inner);
        return inner is not null;
    }

    /// <inheritdoc/>
    public override int Update(byte* key, byte* value, ulong flags)
    {
        if (flags > MapErrors.OnlyExisting) return MapErrors.Invalid;
        int error = InnerMaps.Take(Unsafe.ReadUnaligned<uint>(value), _template, out GroupMap? inner);
        if (error != MapErrors.None) return error;
        error = Put(key, inner!, flags);
        if (error != MapErrors.None) inner!.Release();
        return error;
    }

    /// <summary>The map of a key, with one more user; null if there is none.</summary>
    internal GroupMap? FindAndUse(byte* key)
    {
        lock (Gate) return Find_NeedsGate(key) is { } inner && inner.TryAddUser() ? inner : null;
    }

    private protected override int ReadCore(byte* key, byte* value)
    {
        if (key == null) return MapErrors.Invalid;
        if (Find(key) is not { } inner) return MapErrors.NotFound;
        Unsafe.WriteUnaligned(value, MapHandles.Of(inner));
        return MapErrors.None;
    }

    private protected override void LetGo(GroupMap before) => before.Release();

    private void RequireKey(ReadOnlySpan<byte> key)
    {
        if (key.Length == Definition.KeyBytes) return;
        throw new ArgumentException($"A key of '{Definition.Name}' has {Definition.KeyBytes} bytes.", nameof(key));
    }
}
