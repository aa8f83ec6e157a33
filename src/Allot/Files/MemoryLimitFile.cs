namespace Allot;

/// <summary>A limit of memory: one below what is in use reclaims, and is set in any case.</summary>
internal abstract class MemoryLimitFile(MemoryGroup group, string name) : AmountFile(group, name)
{
    private protected sealed override long ReclaimTo(long bytes)
    {
        long above = Group.Memory.CurrentBytes - bytes;
        return above > 0 ? Group.Reclaim(above) : 0;
    }
}
