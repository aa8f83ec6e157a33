namespace Allot;

/// <summary>The bytes in use.</summary>
internal sealed class MemoryCurrentFile(MemoryGroup group) : CounterFile(group, "memory.current")
{
    private protected override string Advice => "Write to memory.max, memory.high or memory.reclaim to lower it.";

    private protected override long Number => Group.Memory.CurrentBytes;
}
