namespace Allot;

/// <summary>How memory is held in place.</summary>
public enum PinKind
{
    /// <summary>Will not be swapped out, but may move: <c>mlock</c>.</summary>
    Locked,

    /// <summary>May not move at all, because a device or the kernel holds its address.</summary>
    Pinned,
}
