// Groups take memory themselves. Charged to whoever lets them be created, it bounds how many that can be: a tenant that
// may create groups of its own pays for them.
//
// A group remembers that its parent pays. So unlike a charge of the caller's, this one depends on nothing that the
// calling thread may have around it: it is counted, and given back, on the counter itself.

using System.Diagnostics;

namespace Allot;

internal sealed class GroupMetadataCharging : GroupPayer
{
    public static readonly GroupMetadataCharging Instance = new();

    private GroupMetadataCharging()
    {
    }

    public override bool TryCharge(MemoryGroup parent, string name, long bytes)
    {
        Debug.Assert(bytes > 0, "No group is made of nothing.");
        Debug.Assert(!parent.Controller.TreeLock.IsHeldByCurrentThread, "Nobody charges under the lock of the tree.");
        if (ThreadReserves.TrySpend(parent.Kernel, bytes)) return true;
        if (!parent.TryChargeTree(MemoryKind.Kernel, bytes, out ChargeRefusal refusal)
            && !TryChargeAfterMakingRoom(parent, bytes, ref refusal))
        {
            if (refusal.Reason is RefusalReason.GroupRemoved or RefusalReason.GroupKilled) return false;
            throw new MemoryLimitExceededException(
                $"Cannot create '{name}' below '{parent.Path}', which is charged {bytes} bytes for it.", refusal);
        }

        if (parent.Memory.IsPastHigh) parent.ReclaimAboveHighLater();   // who creates groups is not delayed
        return true;
    }

    public override void Uncharge(MemoryGroup parent, long bytes)
    {
        long missing = ThreadReserves.TryKeep(parent.Kernel, bytes) ? 0 : parent.Kernel.Uncharge(bytes);
        if (missing > 0) parent.ReportAccountingError(bytes, missing);
        ReclaimScope.NoteUncharged(parent, MemoryKind.Kernel, bytes - missing);
    }

    // Here the scopes of the caller count: they say what reclaim may do on this thread.
    private static bool TryChargeAfterMakingRoom(MemoryGroup parent, long bytes, ref ChargeRefusal refusal)
    {
        if (refusal.Limiter is not { CanMakeRoom: true }) return false;
        var effort = ChargeEffort.Of(AllocationFlags.Kernel);
        return parent.TryChargeAfterReclaim(MemoryKind.Kernel, bytes, ref refusal, effort)
            || parent.TryChargeAfterKill(MemoryKind.Kernel, bytes, ref refusal, effort);
    }
}
