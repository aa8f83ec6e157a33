namespace Allot.Maps;

/// <summary>What an operation on a map returns: 0, or an error of Linux as a negative number.</summary>
internal static class MapErrors
{
    public const int None = 0;
    public const int NotPermitted = -1;      // EPERM
    public const int NotFound = -2;          // ENOENT
    public const int TooBig = -7;            // E2BIG
    public const int BadHandle = -9;         // EBADF
    public const int TryAgain = -11;         // EAGAIN
    public const int NoMemory = -12;         // ENOMEM
    public const int BadAddress = -14;       // EFAULT
    public const int Busy = -16;             // EBUSY
    public const int Exists = -17;           // EEXIST
    public const int Invalid = -22;          // EINVAL
    public const int NoSpace = -28;          // ENOSPC
    public const int OutOfRange = -34;       // ERANGE
    public const int Overflow = -75;         // EOVERFLOW
    public const int NotOfThisKind = -95;    // EOPNOTSUPP
    public const int NotSupported = -524;    // ENOTSUPP, which the kernel does not translate

    // Flags of an update.
    public const ulong Any = 0;
    public const ulong OnlyNew = 1;
    public const ulong OnlyExisting = 2;
    public const ulong UnderLock = 4;
}
