namespace Allot;

/// <summary>The most bytes in use.</summary>
internal sealed class MemoryPeakFile(MemoryGroup group) : PeakFile(group, "memory.peak")
{
    private protected override MemoryCounter Counter => Group.Memory;

    private protected override MemoryCounter CounterIfAny => Group.Memory;
}
