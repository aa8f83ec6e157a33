namespace Allot;

/// <summary>What is wrong with the use of a control file. Each has its error number in the kernel.</summary>
public enum GroupFileError
{
    /// <summary>The group has no file of that name (ENOENT).</summary>
    UnknownFile,

    /// <summary>The file can only be written (EINVAL).</summary>
    NotReadable,

    /// <summary>The file can only be read (EINVAL).</summary>
    NotWritable,

    /// <summary>The text is not one that the file takes (EINVAL).</summary>
    InvalidText,

    /// <summary>The text is right, and the group is in no state to take it (EBUSY).</summary>
    Refused,

    /// <summary>Less was reclaimed than was asked for (EAGAIN).</summary>
    ReclaimedLess,

    /// <summary>The group was removed (ENODEV).</summary>
    GroupRemoved,
}
