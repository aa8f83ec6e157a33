namespace Allot;

/// <summary>The bytes locked and pinned.</summary>
internal sealed class PinsCurrentFile(MemoryGroup group) : CounterFile(group, "pins.current")
{
    private protected override string Advice => "Write to pins.max to limit it.";

    private protected override long Number => Group.CurrentBytesOf(CounterKind.Pins);
}
