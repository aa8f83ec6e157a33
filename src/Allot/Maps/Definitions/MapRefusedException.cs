namespace Allot.Maps;

/// <summary>A map cannot be had in this shape. Nothing stays allocated or charged.</summary>
/// <param name="message">The map, and the rule that it breaks.</param>
/// <param name="error">The error of Linux, as a negative number.</param>
public sealed class MapRefusedException(string message, int error) : ArgumentException(message)
{
    /// <summary>What Linux answers to the same definition, as a negative number: -22 for EINVAL.</summary>
    public int Error { get; } = error;
}
