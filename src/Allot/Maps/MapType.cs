namespace Allot.Maps;

/// <summary>The types of maps, with the numbers of Linux.</summary>
public enum MapType
{
    /// <summary>No map.</summary>
    None = 0,

    /// <summary>Keys of any bytes.</summary>
    Hash = 1,

    /// <summary>Keys are indices; every element exists from the start, zeroed.</summary>
    Array = 2,

    /// <summary>Programs that a tail call goes to.</summary>
    ProgramArray = 3,
}
