namespace Allot;

/// <summary>A group with reclaimers, and its effective protection in the present round.</summary>
internal readonly record struct WalkedGroup(
    MemoryGroup Group, ReclaimState State, long EffectiveMinBytes, long EffectiveLowBytes);
