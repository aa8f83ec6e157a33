namespace Allot.Maps;

/// <summary>A map cannot be had in this shape. Nothing stays allocated or charged.</summary>
/// <param name="message">The map, and the rule that it breaks.</param>
public sealed class MapRefusedException(string message) : ArgumentException(message);
