namespace Allot;

/// <summary>What happened in the group itself.</summary>
internal sealed class MemoryEventsLocalFile(MemoryGroup group) : GroupFile(group, "memory.events.local")
{
    private protected override string ReadCore() => EventsText.Of(Group.ReadLocalEvents());
}
