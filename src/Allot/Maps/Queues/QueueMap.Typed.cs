namespace Allot.Maps;

/// <summary>Values, first in first out, outside of the managed heap, charged to a group.</summary>
/// <typeparam name="TValue">Any type without references.</typeparam>
/// <remarks>All members may be used from any thread. Nothing is allocated on use. Nobody may use the queue once it is
/// disposed.</remarks>
public sealed unsafe class QueueMap<TValue> : IDisposable
    where TValue : unmanaged
{
    /// <summary>Makes a queue and charges the group for it: for all values at once.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="capacity">The most values.</param>
    /// <exception cref="MapRefusedException">There is no queue of such sizes.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public QueueMap(MemoryGroup group, long capacity)
        : this(new QueueMap(group, QueueMap.DefinitionOf<TValue>(MapType.Queue, capacity)))
    {
    }

    /// <summary>Uses a queue by a type, and owns it from here on: a map of a BPF object, say.</summary>
    /// <param name="map">Its values have the size of the type.</param>
    /// <exception cref="ArgumentException">It is a stack, or the size is another.</exception>
    public QueueMap(QueueMap map)
    {
        ArgumentNullException.ThrowIfNull(map);
        TypedMaps.Check(map, keyBytes: 0, sizeof(TValue), MapType.Queue);
        Map = map;
    }

    /// <summary>The same queue, of bytes: what programs use, its figures and its owner.</summary>
    public QueueMap Map { get; }

    /// <summary>The values in it.</summary>
    public long Count => Map.Count;

    /// <summary>The most values.</summary>
    public long Capacity => Map.Definition.Capacity;

    /// <summary>Adds a value.</summary>
    /// <param name="value">The value.</param>
    /// <returns>False when the queue is full.</returns>
    public bool TryEnqueue(TValue value) => Map.Push((byte*)&value, MapErrors.Any) == MapErrors.None;

    /// <summary>Adds a value; drops the oldest one where there is no room.</summary>
    /// <param name="value">The value.</param>
    public void EnqueueOverOldest(TValue value) => _ = Map.Push((byte*)&value, MapErrors.OnlyExisting);

    /// <summary>Takes the oldest value.</summary>
    /// <param name="value">The value; the default one where there is none.</param>
    /// <returns>False when the queue is empty.</returns>
    public bool TryDequeue(out TValue value)
    {
        fixed (TValue* taken = &value) return Map.Pop((byte*)taken) == MapErrors.None;
    }

    /// <summary>Copies the oldest value.</summary>
    /// <param name="value">The value; the default one where there is none.</param>
    /// <returns>False when the queue is empty.</returns>
    public bool TryPeek(out TValue value)
    {
        fixed (TValue* found = &value) return Map.Peek((byte*)found) == MapErrors.None;
    }

    /// <summary>Copies of all values, the oldest first. Values that others take meanwhile move the rest up, so that
    /// some can be left out.</summary>
    public QueueEnumerator<TValue> GetEnumerator() => new(Map);

    /// <summary>Gives the memory back to its group, once no program uses the queue any more.</summary>
    public void Dispose() => Map.Dispose();
}
