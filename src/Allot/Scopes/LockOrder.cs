// One lock, as the check of order sees it. The kernel's lockdep does the same with a lock that stands for reclaim.
//
// Two facts make a deadlock possible: a reclaimer waits for the lock, and the lock is held where memory is asked for in
// a way that may call that reclaimer. It is enough that both have happened once, anywhere, at any time. Which
// reclaimers may be called depends on what the context forbids, so each fact is kept by needs (of the reclaimer) and by
// what was forbidden (at the request).
//
// What differs from the kernel: locks are told apart one by one and not by class, and only this one rule is checked, no
// chains of several locks.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Allot;

internal sealed class LockOrder(string name)
{
    // The locks that this thread holds, the innermost last, while the checks are on.
    [ThreadStatic] private static List<LockOrder>? t_held;

    // The permissions without which some reclaimers are not called.
    private const AllocationFlags Needs = AllocationFlags.Io | AllocationFlags.FileSystem;

    private readonly Lock _gate = new();

    // By what the reclaimer needs, and by what the request permits. Under _gate.
    private readonly Dictionary<AllocationFlags, string> _inReclaimers = [];
    private readonly Dictionary<AllocationFlags, string> _aroundRequests = [];
    private bool _isReported;

    /// <summary>What the reclaimer that this thread is in needs; null outside of reclaimers.</summary>
    public static AllocationFlags? ReclaimerNeeds
    {
        get => t_reclaimerNeeds;
        set => t_reclaimerNeeds = value;
    }

    [ThreadStatic] private static AllocationFlags? t_reclaimerNeeds;

    /// <summary>This thread may ask for memory here, and reclaim for it.</summary>
    /// <param name="permitted">What the context permits.</param>
    public static void NoteAllocation(AllocationFlags permitted)
    {
        if (t_held is not { Count: > 0 } held) return;
        foreach (LockOrder order in held) order.NoteRequest(permitted & Needs);
    }

    /// <summary>This thread has taken the lock.</summary>
    /// <param name="hasWaited">Whether it would have waited for it. A reclaimer that only tries gives up instead, so it
    /// is no part of a deadlock.</param>
    public void NoteTaken(bool hasWaited)
    {
        (t_held ??= []).Add(this);
        if (!hasWaited || t_reclaimerNeeds is not { } needs) return;
        lock (_gate)
        {
            if (_inReclaimers.ContainsKey(needs)) return;
            _inReclaimers.Add(needs, Here());
        }

        Compare();
    }

    public void NoteLeft()
    {
        if (t_held is { } held && held.LastIndexOf(this) is >= 0 and int index) held.RemoveAt(index);
    }

    private void NoteRequest(AllocationFlags permitted)
    {
        lock (_gate)
        {
            if (_aroundRequests.ContainsKey(permitted)) return;
            _aroundRequests.Add(permitted, Here());
        }

        Compare();
    }

    private void Compare()
    {
        (string Reclaimer, string Request)? found = null;
        lock (_gate)
        {
            if (_isReported) return;
            foreach ((AllocationFlags needs, string reclaimer) in _inReclaimers)
            {
                foreach ((AllocationFlags permitted, string request) in _aroundRequests)
                {
                    if ((needs & ~permitted) == 0) found = (reclaimer, request);
                }
            }

            if (found is null) return;
            _isReported = true;
        }

        AllocationChecks.Report(new AllocationReport(
            AllocationReportKind.LockInReclaim,
            $"The lock '{name}' is taken by a reclaimer, and it is held where memory is asked for that this reclaimer "
            + "may be called for: two threads can wait for each other for ever. Let the lock carry a scope (NoReclaim, "
            + "or NoFs or NoIo if the reclaimer says that it needs those), ask for memory before taking it, or let the "
            + "reclaimer only try (TryEnter).",
            found.Value.Reclaimer,
            found.Value.Request));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]   // the one frame that is left out
    private static string Here() => new StackTrace(skipFrames: 1, fNeedFileInfo: true).ToString();
}
