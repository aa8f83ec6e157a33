namespace Allot.Maps;

/// <summary>What an operation on a map returns: 0, or an error of Linux as a negative number.</summary>
internal static class MapErrors
{
    public const int None = 0;
    public const int NotFound = -2;          // ENOENT
    public const int TooBig = -7;            // E2BIG
    public const int Exists = -17;           // EEXIST
    public const int Invalid = -22;          // EINVAL

    // Flags of an update.
    public const ulong Any = 0;
    public const ulong OnlyNew = 1;
    public const ulong OnlyExisting = 2;
}
