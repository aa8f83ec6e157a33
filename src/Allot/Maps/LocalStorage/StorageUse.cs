namespace Allot.Maps;

/// <summary>The value of an owner, in the memory of its storage, which stays until this is disposed.</summary>
public unsafe ref struct StorageUse : IDisposable
{
    private readonly long _length;
    private StorageValue? _value;
    private GroupMap? _map;

    internal StorageUse(GroupMap map, StorageValue value)
    {
        _map = map;
        _value = value;
        _length = map.Definition.ValueBytes;
    }

    /// <summary>The bytes of the value. Others may write them at the same time.</summary>
    /// <exception cref="ObjectDisposedException">This was disposed.</exception>
    public readonly Span<byte> Bytes
    {
        get
        {
            ObjectDisposedException.ThrowIf(_value is null, typeof(StorageUse));
            return new Span<byte>(_value.Bytes, (int)_length);
        }
    }

    /// <summary>The end of the use. Twice does nothing more.</summary>
    public void Dispose()
    {
        (StorageValue? value, GroupMap? map) = (_value, _map);
        (_value, _map) = (null, null);
        value?.Release();
        map?.Release();
    }
}
