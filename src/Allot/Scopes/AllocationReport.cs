namespace Allot;

/// <summary>What <see cref="AllocationChecks"/> have found.</summary>
/// <param name="Kind">What is wrong.</param>
/// <param name="Message">What is wrong and what to do, in words.</param>
/// <param name="FirstStack">The first of the two places: where the scope was entered, where a reclaimer has taken the
/// lock, or where a leaked buffer was allocated. Empty if that was while the checks were off, if the scope was entered
/// inside of 32 others or by Allot itself around a reclaimer, and in the last report of all.</param>
/// <param name="SecondStack">The second: the call that may allocate. Empty for a leaked buffer, and in the last report
/// of all.</param>
public sealed record AllocationReport(
    AllocationReportKind Kind, string Message, string FirstStack, string SecondStack)
{
    /// <summary>Message and stacks.</summary>
    public override string ToString()
    {
        if (Kind == AllocationReportKind.NoMoreReports) return Message;
        if (Kind == AllocationReportKind.LeakedBuffer) return $"{Message}\nAllocated here:\n{FirstStack}";
        string first = Kind == AllocationReportKind.LockInReclaim ? "A reclaimer takes it here" : "Entered here";
        return $"{Message}\n{first}:\n{FirstStack}\nMay allocate here:\n{SecondStack}";
    }
}
