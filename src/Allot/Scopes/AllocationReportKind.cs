namespace Allot;

/// <summary>What is wrong.</summary>
public enum AllocationReportKind
{
    /// <summary>A call says that it may block (<see cref="AllocationFlags.DirectReclaim"/>), inside of
    /// <see cref="AllocationScope.Atomic"/>. One without flags says nothing, and gets what the context permits.
    /// </summary>
    BlockingInAtomic,

    /// <summary>A lock is held where memory may be reclaimed, and a reclaimer that may be called there takes it: two
    /// threads can wait for each other for ever.</summary>
    LockInReclaim,

    /// <summary>A charge that must succeed passed a limit, where nothing could be reclaimed for it.</summary>
    MustSucceedWithoutReclaim,

    /// <summary>Nothing is wrong here: so many places were reported that this is the last report of the process.
    /// </summary>
    NoMoreReports,

    /// <summary>A buffer was not disposed, and found by the collector: see <see cref="BufferLeaks"/>.</summary>
    LeakedBuffer,
}
