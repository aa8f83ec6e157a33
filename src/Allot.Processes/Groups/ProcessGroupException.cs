namespace Allot.Processes;

/// <summary>A command could not be run in a group. Nothing of it runs, and nothing was left behind.</summary>
public sealed class ProcessGroupException : Exception
{
    /// <summary>Creates the exception.</summary>
    public ProcessGroupException(ProcessGroupFailure failure, string message, Exception? innerException = null)
        : base(message, innerException) => Failure = failure;

    /// <summary>Which of the reasons.</summary>
    public ProcessGroupFailure Failure { get; }
}
