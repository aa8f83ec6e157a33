namespace Allot.Processes.Seccomp;

/// <summary>What became of an answer.</summary>
internal enum SendResult
{
    /// <summary>The call goes on with this answer.</summary>
    Sent,

    /// <summary>
    /// Nobody waits for it: the thread died, or a signal took it out of the call. Undo what the answer promised.
    /// </summary>
    TargetGone,

    /// <summary>The listener was disposed. The call fails with ENOSYS.</summary>
    Closed,
}
