// A value for each owner, which is an object of .NET: a thread, a socket, a file, a group. The value goes with the
// owner, when the collector has found that nobody refers to the owner any more, or when it is deleted (GroupStorage:
// also when the group is removed).
//
// The table is weak and keyed by reference. _gate makes finding and adding one step.

using System.Runtime.CompilerServices;

namespace Allot.Maps;

/// <summary>A value for each owner, freed with the owner. The group of the map pays for all of them.</summary>
/// <typeparam name="TOwner">What has a value. It is told apart by reference.</typeparam>
public abstract unsafe class LocalStorage<TOwner> : GroupMap
    where TOwner : class
{
    private readonly ConditionalWeakTable<TOwner, StorageValue> _table = [];
    private readonly Lock _gate = new();
    private readonly OwnedValues _values;

    private protected LocalStorage(MemoryGroup group, MapDefinition definition)
        : base(group, definition) => _values = new OwnedValues(Memory, definition.ValueBytes);

    /// <summary>The number of values that are paid for: also those of owners that the collector has not found yet.
    /// </summary>
    public override long Count => _values.Count;

    internal static MapFootprint FootprintOf(MapDefinition definition, int processors) => new(0, long.MaxValue);

    /// <summary>Finds the value of an owner, and keeps its memory meanwhile.</summary>
    /// <param name="owner">The owner.</param>
    /// <param name="use">The value; dispose it after use. Empty when false is returned.</param>
    /// <returns>False when the owner has none.</returns>
    /// <exception cref="ObjectDisposedException">The storage has been disposed.</exception>
    public bool TryGet(TOwner owner, out StorageUse use) => TryUse(owner, creates: false, out use);

    /// <summary>Finds the value of an owner, or makes one of zeros, and keeps its memory meanwhile.</summary>
    /// <param name="owner">The owner.</param>
    /// <param name="use">The value; dispose it after use. Empty when false is returned.</param>
    /// <returns>False when a limit refused a new one: see <see cref="GroupMap.LastRefusal"/>; or the owner is a group
    /// that was removed.</returns>
    /// <exception cref="ObjectDisposedException">The storage has been disposed.</exception>
    public bool TryGetOrAdd(TOwner owner, out StorageUse use) => TryUse(owner, creates: true, out use);

    /// <summary>Sets the value of an owner.</summary>
    /// <param name="owner">The owner.</param>
    /// <param name="value">The bytes of the value.</param>
    /// <param name="flags">0 for any, 1 for an owner without a value only, 2 for one with a value only.</param>
    /// <returns>0, or the error of Linux as a negative number; then the storage is as it was.</returns>
    /// <exception cref="ArgumentException">The value has another size.</exception>
    /// <exception cref="ObjectDisposedException">The storage has been disposed.</exception>
    public int Set(TOwner owner, ReadOnlySpan<byte> value, ulong flags = 0)
    {
        ArgumentNullException.ThrowIfNull(owner);
        if (value.Length != Definition.ValueBytes)
        {
            throw new ArgumentException(
                $"A value of '{Definition.Name}' has {Definition.ValueBytes} bytes.", nameof(value));
        }

        AddUser();
        try
        {
            fixed (byte* bytes = value) return Set(owner, bytes, flags);
        }
        finally
        {
            Release();
        }
    }

    /// <summary>Removes the value of an owner.</summary>
    /// <param name="owner">The owner.</param>
    /// <returns>0, or -2 (ENOENT) when it has none.</returns>
    public int Delete(TOwner owner)
    {
        ArgumentNullException.ThrowIfNull(owner);
        StorageValue? value;
        lock (_gate)
        {
            if (!_table.TryGetValue(owner, out value)) return MapErrors.NotFound;
            _table.Remove(owner);
        }

        value.Release();
        return MapErrors.None;
    }

    /// <summary>Values are found by their owners.</summary>
    /// <param name="key">The bytes of the key.</param>
    /// <returns>Null.</returns>
    public override byte* Lookup(byte* key) => null;

    /// <summary>Sets the value of the owner whose number is the key: see <see cref="MapHandles"/>.</summary>
    /// <inheritdoc/>
    public override int Update(byte* key, byte* value, ulong flags)
    {
        if (flags > MapErrors.OnlyExisting) return MapErrors.Invalid;
        return TryFindOwner(key, out TOwner? owner) ? Set(owner, value, flags) : MapErrors.BadHandle;
    }

    /// <summary>Removes the value of the owner whose number is the key: see <see cref="MapHandles"/>.</summary>
    /// <inheritdoc/>
    public override int Delete(byte* key) =>
        TryFindOwner(key, out TOwner? owner) ? Delete(owner) : MapErrors.BadHandle;

    /// <summary>Owners are not listed.</summary>
    /// <param name="key">The bytes of a key.</param>
    /// <param name="next">Not written.</param>
    /// <returns>-524 (ENOTSUPP).</returns>
    public override int NextKey(byte* key, byte* next) => MapErrors.NotSupported;

    /// <summary>The value of an owner, with one more user; null if there is none.</summary>
    internal StorageValue? Find(TOwner owner, bool creates, byte* first = null)
    {
        using (HeldReports.Enter(_gate))
        {
            if (_table.TryGetValue(owner, out StorageValue? value)) return value.TryAddUser() ? value : null;
            if (!creates || !MayHaveValue(owner)) return null;
            value = _values.TryMake();
            if (value is null) return null;
            if (first != null) Unsafe.CopyBlockUnaligned(value.Bytes, first, (uint)Definition.ValueBytes);
            bool isUsed = value.TryAddUser();
            _table.Add(owner, value);
            return isUsed ? value : null;
        }
    }

    /// <summary>Whether an owner can still get a value. Under the gate.</summary>
    private protected virtual bool MayHaveValue(TOwner owner) => true;

    private protected override int ReadCore(byte* key, byte* value)
    {
        if (!TryFindOwner(key, out TOwner? owner)) return MapErrors.BadHandle;
        if (Find(owner, creates: false) is not { } found) return MapErrors.NotFound;
        Unsafe.CopyBlockUnaligned(value, found.Bytes, (uint)Definition.ValueBytes);
        found.Release();
        return MapErrors.None;
    }

    private protected override void Free()
    {
        lock (_gate) _table.Clear();
        _values.End();
    }

    private static bool TryFindOwner(byte* key, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out TOwner? owner)
    {
        owner = null;
        return key != null && MapHandles.TryFind(Unsafe.ReadUnaligned<uint>(key), out owner);
    }

    private bool TryUse(TOwner owner, bool creates, out StorageUse use)
    {
        ArgumentNullException.ThrowIfNull(owner);
        use = default;
        AddUser();
        if (Find(owner, creates) is { } value)
        {
            use = new StorageUse(this, value);
            return true;
        }

        Release();
        return false;
    }

    private int Set(TOwner owner, byte* bytes, ulong flags)
    {
        if (flags > MapErrors.OnlyExisting) return MapErrors.Invalid;
        using (HeldReports.Enter(_gate))
        {
            StorageValue? value = Find(owner, creates: false);
            if (value is not null && flags == MapErrors.OnlyNew)
            {
                value.Release();
                return MapErrors.Exists;
            }

            if (value is null && flags == MapErrors.OnlyExisting) return MapErrors.NotFound;
            bool isNew = value is null;
            if (isNew && !MayHaveValue(owner)) return MapErrors.BadHandle;
            value ??= Find(owner, creates: true, bytes);
            if (value is null) return MapErrors.NoMemory;
            if (!isNew) Unsafe.CopyBlockUnaligned(value.Bytes, bytes, (uint)Definition.ValueBytes);
            value.Release();
            return MapErrors.None;
        }
    }
}
