// Groups take memory themselves. Charged to whoever lets them be created, it bounds how many that can be: a tenant that
// may create groups of its own pays for them.

namespace Allot;

internal sealed class GroupMetadataCharging : GroupPayer
{
    public static readonly GroupMetadataCharging Instance = new();

    private GroupMetadataCharging()
    {
    }

    public override bool TryCharge(MemoryGroup parent, string name, long bytes)
    {
        if (parent.TryCharge(MemoryKind.Kernel, bytes, out ChargeRefusal refusal)) return true;
        try
        {
            if (refusal.Limiter is { CanMakeRoom: true })
            {
                parent.Charge(MemoryKind.Kernel, bytes);
                return true;
            }
        }
        catch (MemoryLimitExceededException e)
        {
            refusal = e.Refusal;
        }

        if (refusal.Reason is RefusalReason.GroupRemoved or RefusalReason.GroupKilled) return false;
        throw new MemoryLimitExceededException(
            $"Cannot create '{name}' below '{parent.Path}', which is charged {bytes} bytes for it.", refusal);
    }

    public override void Uncharge(MemoryGroup parent, long bytes) => parent.Uncharge(MemoryKind.Kernel, bytes);
}
