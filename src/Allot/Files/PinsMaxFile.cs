namespace Allot;

/// <summary>The limit of pins. Pins cannot be reclaimed: one below what is in use only refuses the next.</summary>
internal sealed class PinsMaxFile(MemoryGroup group) : AmountFile(group, "pins.max")
{
    private protected override long Bytes => Group.PinsIfAny?.All.MaxBytes ?? MemoryGroup.Unlimited;

    private protected override void Set(string text, long bytes) => Group.Pins.MaxBytes = bytes;
}
