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

/// <summary>A command could not be run in a group. Nothing of it runs, and nothing was left behind.</summary>
public sealed class ProcessGroupException : Exception
{
    /// <summary>Creates the exception.</summary>
    public ProcessGroupException(ProcessGroupFailure failure, string message, Exception? innerException = null)
        : base(message, innerException) => Failure = failure;

    /// <summary>Which of the reasons.</summary>
    public ProcessGroupFailure Failure { get; }
}
