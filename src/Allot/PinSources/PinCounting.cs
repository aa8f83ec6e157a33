namespace Allot;

/// <summary>How a buffer counts that is pinned several times.</summary>
public enum PinCounting
{
    /// <summary>Each pin counts, as in the kernel.</summary>
    EachTime,

    /// <summary>All pins of a group that ask for this count once together, from the first to the last of
    /// them.</summary>
    OncePerGroup,
}
