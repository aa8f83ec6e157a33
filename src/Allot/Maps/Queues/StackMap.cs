namespace Allot.Maps;

/// <summary>Values, last in first out, outside of the managed heap, charged to a group.</summary>
/// <typeparam name="TValue">Any type without references.</typeparam>
/// <remarks>All members may be used from any thread. Nothing is allocated on use. Nobody may use the stack once it is
/// disposed.</remarks>
public sealed unsafe class StackMap<TValue> : IDisposable
    where TValue : unmanaged
{
    /// <summary>Makes a stack and charges the group for it: for all values at once.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="capacity">The most values.</param>
    /// <exception cref="MapRefusedException">There is no stack of such sizes.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public StackMap(MemoryGroup group, long capacity)
        : this(new QueueMap(group, QueueMap.DefinitionOf<TValue>(MapType.Stack, capacity)))
    {
    }

    /// <summary>Uses a stack by a type, and owns it from here on: a map of a BPF object, say.</summary>
    /// <param name="map">Its values have the size of the type.</param>
    /// <exception cref="ArgumentException">It is a queue, or the size is another.</exception>
    public StackMap(QueueMap map)
    {
        ArgumentNullException.ThrowIfNull(map);
        TypedMaps.Check(map, keyBytes: 0, sizeof(TValue), MapType.Stack);
        Map = map;
    }

    /// <summary>The same stack, of bytes: what programs use, its figures and its owner.</summary>
    public QueueMap Map { get; }

    /// <summary>The values in it.</summary>
    public long Count => Map.Count;

    /// <summary>The most values.</summary>
    public long Capacity => Map.Definition.Capacity;

    /// <summary>Adds a value.</summary>
    /// <param name="value">The value.</param>
    /// <returns>False when the stack is full.</returns>
    public bool TryPush(TValue value) => Map.Push((byte*)&value, MapErrors.Any) == MapErrors.None;

    /// <summary>Adds a value; drops the oldest one where there is no room.</summary>
    /// <param name="value">The value.</param>
    public void PushOverOldest(TValue value) => _ = Map.Push((byte*)&value, MapErrors.OnlyExisting);

    /// <summary>Takes the newest value.</summary>
    /// <param name="value">The value; the default one where there is none.</param>
    /// <returns>False when the stack is empty.</returns>
    public bool TryPop(out TValue value)
    {
        fixed (TValue* taken = &value) return Map.Pop((byte*)taken) == MapErrors.None;
    }

    /// <summary>Copies the newest value.</summary>
    /// <param name="value">The value; the default one where there is none.</param>
    /// <returns>False when the stack is empty.</returns>
    public bool TryPeek(out TValue value)
    {
        fixed (TValue* found = &value) return Map.Peek((byte*)found) == MapErrors.None;
    }

    /// <summary>Copies of all values, the newest first. Values that others push or take meanwhile move the rest, so
    /// that some can be left out or seen twice.</summary>
    public QueueEnumerator<TValue> GetEnumerator() => new(Map);

    /// <summary>Gives the memory back to its group, once no program uses the stack any more.</summary>
    public void Dispose() => Map.Dispose();
}
