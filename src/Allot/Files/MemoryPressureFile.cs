namespace Allot;

/// <summary>How much of the time was lost waiting for memory. No trigger can be written: nothing polls this file.
/// </summary>
internal sealed class MemoryPressureFile(MemoryGroup group) : GroupFile(group, "memory.pressure")
{
    private protected override string Advice => "Call WatchPressure of the group to be told of it.";

    private protected override string ReadCore() => Group.ReadPressure().ToString();
}
