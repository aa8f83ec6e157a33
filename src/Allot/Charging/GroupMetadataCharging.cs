// Groups take memory themselves. Charged to whoever lets them be created, it bounds how many that can be: a tenant that
// may create groups of its own pays for them.
//
// A group remembers that its parent pays, so there is none that nobody has paid for: this charge is counted, and given
// back, on the counter itself, also inside of BlockAccounting. The other scopes of the caller hold.

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
        bool isChecked = ThreadContext.Intercepts && AllocationChecks.IsEnabled && parent.CountsKernelMemory;
        if (isChecked) AllocationChecks.CheckCharge(AllocationFlags.Kernel, parent);
        if (ThreadReserves.TrySpend(parent.Kernel, bytes)) return true;
        if (!parent.TryChargeTree(MemoryKind.Kernel, bytes, out ChargeRefusal refusal)
            && !TryChargeInContext(parent, bytes, ref refusal))
        {
            if (refusal.Reason is RefusalReason.GroupRemoved or RefusalReason.GroupKilled) return false;
            throw new MemoryLimitExceededException(
                $"Cannot create '{name}' below '{parent.Path}', which is charged {bytes} bytes for it.", refusal);
        }

        if (parent.Memory.NeedsLook) parent.LookAfterCharge(MemoryKind.Kernel, bytes);   // who creates is not delayed
        return true;
    }

    public override void Uncharge(MemoryGroup parent, long bytes)
    {
        PolicyQuestions.Uncharged(parent, MemoryKind.Kernel, bytes);
        long missing = ThreadReserves.TryKeep(parent.Kernel, bytes) ? 0 : parent.Kernel.Uncharge(bytes);
        if (missing > 0) parent.ReportAccountingError(bytes, missing);
        ReclaimScope.NoteUncharged(parent, MemoryKind.Kernel, bytes - missing);
    }

    // The scopes of the caller say what reclaim may do on this thread, and whether the limit is passed.
    private static bool TryChargeInContext(MemoryGroup parent, long bytes, ref ChargeRefusal refusal)
    {
        var effort = ChargeEffort.Of(AllocationFlags.Kernel);
        bool isCharged = refusal.Limiter is { CanMakeRoom: true }
            && (parent.TryChargeAfterReclaim(MemoryKind.Kernel, bytes, ref refusal, effort)
                || parent.TryChargeAfterKill(MemoryKind.Kernel, bytes, ref refusal, effort));
        if (isCharged) return true;
        bool mayPass = refusal.Limiter is not null && (!effort.MayFail || effort.MayUseReserve);
        if (!mayPass) return false;
        parent.Force(CounterKind.Kernel, bytes);
        parent.Force(CounterKind.Memory, bytes);
        ReclaimScope.NoteCharged(parent, MemoryKind.Kernel, bytes);
        return true;
    }
}
