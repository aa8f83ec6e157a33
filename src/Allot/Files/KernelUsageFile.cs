namespace Allot;

/// <summary>The bytes of kernel memory in use.</summary>
internal sealed class KernelUsageFile(MemoryGroup group) : CounterFile(group, "memory.kmem.usage_in_bytes")
{
    private protected override string Advice => "Write to memory.kmem.limit_in_bytes to limit it.";

    private protected override long Number => Group.CurrentBytesOf(CounterKind.Kernel);
}
