namespace Allot;

/// <summary>What a charge does after an out-of-memory round.</summary>
internal enum AfterRound
{
    /// <summary>It is refused.</summary>
    Refuse,

    /// <summary>It tries again at once.</summary>
    Retry,

    /// <summary>It waits until killed groups let go, and tries again.</summary>
    Wait,
}
