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

    public static bool TryGetSpan<TValue>(byte* found, out Span<TValue> value)
        where TValue : unmanaged
    {
        value = found == null ? default : new Span<TValue>(found, 1);
        return found != null;
    }
}
