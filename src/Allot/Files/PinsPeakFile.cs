namespace Allot;

/// <summary>The most bytes locked and pinned.</summary>
internal sealed class PinsPeakFile(MemoryGroup group) : PeakFile(group, "pins.peak")
{
    private protected override MemoryCounter Counter => Group.Pins;

    private protected override MemoryCounter? CounterIfAny => Group.PinsIfAny?.All;
}
