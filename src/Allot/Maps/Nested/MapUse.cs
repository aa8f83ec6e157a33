namespace Allot.Maps;

/// <summary>A map that was found in a map of maps, and whose memory stays until this is disposed.</summary>
public ref struct MapUse : IDisposable
{
    private GroupMap? _map;

    internal MapUse(GroupMap map) => _map = map;

    /// <summary>The map.</summary>
    /// <exception cref="ObjectDisposedException">This was disposed.</exception>
    public readonly GroupMap Map
    {
        get
        {
            ObjectDisposedException.ThrowIf(_map is null, typeof(MapUse));
            return _map;
        }
    }

    /// <summary>The end of the use. Twice does nothing more.</summary>
    public void Dispose()
    {
        GroupMap? map = _map;
        _map = null;
        map?.Release();
    }
}
