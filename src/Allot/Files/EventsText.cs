namespace Allot;

/// <summary>The lines of the two files of events: the kernel's keys in its order, then ours.</summary>
internal static class EventsText
{
    public static string Of(in MemoryEvents events) => FileText.Keyed(
        ("low", events.Low),
        ("high", events.High),
        ("max", events.MemoryMax),
        ("oom", events.Oom),
        ("oom_kill", events.OomKill),
        ("oom_group_kill", events.OomGroupKill),
        ("forced", events.MemoryForced),
        ("kmem_max", events.KernelMax),
        ("kmem_forced", events.KernelForced),
        ("high_delays", events.HighDelays),
        ("high_deadlines", events.HighDeadlines),
        ("accounting_errors", events.AccountingErrors),
        ("reclaim_errors", events.ReclaimErrors),
        ("policy_errors", events.PolicyErrors));
}
