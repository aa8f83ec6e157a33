namespace Allot.Processes;

/// <summary>Why a command could not be run in a group.</summary>
public enum ProcessGroupFailure
{
    /// <summary>Allot could not do its part: the message says what is missing and how to get it.</summary>
    Unavailable,

    /// <summary>The command was not found.</summary>
    CommandNotFound,

    /// <summary>The command was found and cannot be executed.</summary>
    CommandNotExecutable,
}
