namespace Allot;

/// <summary>How much of the time was lost waiting for memory. Triggers are not offered: nothing polls this
/// file.</summary>
internal sealed class MemoryPressureFile(MemoryGroup group) : GroupFile(group, "memory.pressure")
{
    private protected override string ReadCore() => Group.ReadPressure().ToString();
}
