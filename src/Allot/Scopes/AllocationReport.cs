namespace Allot;

/// <summary>What <see cref="AllocationChecks"/> have found.</summary>
/// <param name="Kind">What is wrong.</param>
/// <param name="Message">What is wrong and what to do, in words.</param>
/// <param name="FirstStack">The first of the two places: where the scope was entered, or where a reclaimer has taken
/// the lock. Empty if that was before the checks were switched on, and in the last report of all.</param>
/// <param name="SecondStack">The second: the call that may allocate.</param>
public sealed record AllocationReport(
    AllocationReportKind Kind, string Message, string FirstStack, string SecondStack)
{
    /// <summary>Message and both stacks.</summary>
    public override string ToString()
    {
        if (Kind == AllocationReportKind.NoMoreReports) return Message;
        string first = Kind == AllocationReportKind.LockInReclaim ? "A reclaimer takes it here" : "Entered here";
        return $"{Message}\n{first}:\n{FirstStack}\nMay allocate here:\n{SecondStack}";
    }
}
