namespace Allot.Maps;

/// <summary>What maps of types have in common.</summary>
internal static unsafe class TypedMaps
{
    /// <exception cref="ArgumentException">The map has keys or values of other sizes, or is of another
    /// type.</exception>
    public static void Check(GroupMap map, int keyBytes, int valueBytes, MapType type)
    {
        MapDefinition definition = map.Definition;
        if (definition.Type == type && definition.KeyBytes == keyBytes && definition.ValueBytes == valueBytes) return;
        throw new ArgumentException(
            $"map '{definition.Name}' is of type {definition.Type}, with keys of {definition.KeyBytes} and values of "
            + $"{definition.ValueBytes} bytes, not of type {type}, with {keyBytes} and {valueBytes}",
            nameof(map));
    }

    public static MapDefinition DefinitionOf<TKey, TValue>(MapType type, long capacity, uint flags)
        where TKey : unmanaged
        where TValue : unmanaged => new()
        {
            Name = $"{typeof(TKey).Name} to {typeof(TValue).Name}",
            Type = type,
            KeyBytes = sizeof(TKey),
            ValueBytes = sizeof(TValue),
            Capacity = capacity,
            Flags = flags,
        };

    /// <exception cref="ArgumentException">There are not as many values as processors.</exception>
    public static void CheckOneForEach<TValue>(ReadOnlySpan<TValue> values, int processors)
    {
        if (values.Length == processors) return;
        throw new ArgumentException(
            $"There are {values.Length} values for {processors} processors.", nameof(values));
    }

    /// <exception cref="ArgumentException">There is no room for as many values as processors.</exception>
    public static void CheckRoomForEach<TValue>(ReadOnlySpan<TValue> values, int processors)
    {
        if (values.Length >= processors) return;
        throw new ArgumentException(
            $"There is room for {values.Length} values, and there are {processors} processors.", nameof(values));
    }

    public static bool TryGetSpan<TValue>(byte* found, out Span<TValue> value)
        where TValue : unmanaged
    {
        value = found == null ? default : new Span<TValue>(found, 1);
        return found != null;
    }
}
