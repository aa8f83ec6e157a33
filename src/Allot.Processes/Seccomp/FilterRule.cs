namespace Allot.Processes.Seccomp;

/// <summary>One intercepted call. Rules of the same call are combined with or.</summary>
/// <param name="SyscallNumber">The call's number on the filter's architecture.</param>
/// <param name="Condition">When to notify.</param>
internal readonly record struct FilterRule(int SyscallNumber, FilterCondition Condition)
{
    /// <summary>Intercepts every call.</summary>
    public FilterRule(int syscallNumber)
        : this(syscallNumber, FilterCondition.Always)
    {
    }
}
