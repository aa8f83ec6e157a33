// Policies that make room when a limit is met and nothing could be reclaimed: before the out-of-memory policy of the
// tree chooses whom to kill.
//
// One thread at a time in a tree, under the gate that a decision is made under. From the limiter up to the root each is
// asked, until one says that it has made room *and* the counter that is short shows it: a fall of what is used, or room
// for the charge. Accepted: with uncharges of other threads in between, a wrong claim can pass; the charge that is then
// tried again is refused as before, and the next round asks again, at most as often as a charge asks at all.

using System.Diagnostics;

namespace Allot;

internal static class PolicyHandling
{
    /// <summary>Asks the policies.</summary>
    /// <returns>Whether one has made room.</returns>
    public static bool TryMakeRoom(Shortage shortage)
    {
        MemoryController controller = shortage.Limiter.Controller;
        if (!PolicyRun.IsWatched(controller, PolicyPoint.OutOfMemory)) return false;
        if (ReclaimScope.IsReclaiming || OutOfMemoryScope.IsInside || PolicyRun.IsInside) return false;
        Debug.Assert(!controller.TreeLock.IsHeldByCurrentThread, "Foreign code runs without locks of the tree.");
        Lock gate = OutOfMemoryState.Of(controller).Gate;
        if (!gate.TryEnter(controller.ReclaimWaitMax)) return false;
        try
        {
            if (shortage.Requester.State != MemoryGroupState.Online) return false;
            if (OutOfMemoryRound.HasRoom(shortage)) return true;   // another thread has made it: nobody is asked again
            foreach (PolicyAttachment attachment in PolicyRun.Over(shortage.Limiter))
            {
                if (attachment.Policy.OutOfMemory is not { } handler || !TryMakeRoom(shortage, attachment, handler))
                {
                    continue;
                }

                shortage.Limiter.Count(EventKind.Oom);
                return true;
            }

            return false;
        }
        finally
        {
            gate.Exit();
        }
    }

    private static bool TryMakeRoom(
        Shortage shortage, PolicyAttachment attachment, Func<PolicyNotice, bool> handler)
    {
        long used = shortage.Counter.ReadUsed(out long max);
        var notice = new PolicyNotice(
            PolicyPoint.OutOfMemory, shortage.Limiter, shortage.Requester, shortage.Kind, shortage.Bytes, used, max);
        bool isClaimed = false;
        Exception? thrown = OutOfMemoryScope.Run(() => isClaimed = handler(notice));
        if (thrown is not null) PolicyRun.Report(attachment, notice, thrown);
        long usedNow = shortage.Counter.ReadUsed(out max);
        return isClaimed && (usedNow < used || shortage.Bytes <= max - usedNow);
    }
}
