namespace Allot;

/// <summary>What happened in the group and below it.</summary>
internal sealed class MemoryEventsFile(MemoryGroup group) : GroupFile(group, "memory.events")
{
    private protected override string ReadCore() => EventsText.Of(Group.ReadEvents());
}
