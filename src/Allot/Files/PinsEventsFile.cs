namespace Allot;

/// <summary>What the limits of pins did in the group and below it.</summary>
internal sealed class PinsEventsFile(MemoryGroup group) : GroupFile(group, "pins.events")
{
    private protected override string ReadCore()
    {
        MemoryEvents events = Group.ReadEvents();
        return FileText.Keyed(("max", events.PinsMax), ("forced", events.PinsForced), ("leaked", events.PinsLeaked));
    }
}
