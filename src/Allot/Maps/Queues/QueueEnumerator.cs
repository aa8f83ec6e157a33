namespace Allot.Maps;

/// <summary>Goes through a queue or a stack, in the order in which values would be taken.</summary>
/// <typeparam name="TValue">The values.</typeparam>
public unsafe struct QueueEnumerator<TValue>
    where TValue : unmanaged
{
    private readonly QueueMap _map;
    private long _position;
    private TValue _current;

    internal QueueEnumerator(QueueMap map)
    {
        _map = map;
        _position = -1;
    }

    /// <summary>A copy of the value.</summary>
    public readonly TValue Current => _current;

    /// <summary>Goes to the next value.</summary>
    /// <returns>False after the last.</returns>
    public bool MoveNext()
    {
        TValue current;
        if (!_map.TryCopy(++_position, (byte*)&current)) return false;
        _current = current;
        return true;
    }
}
