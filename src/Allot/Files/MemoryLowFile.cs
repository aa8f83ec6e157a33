namespace Allot;

/// <summary>Memory that is reclaimed only when nothing else is left.</summary>
internal sealed class MemoryLowFile(MemoryGroup group) : ProtectionFile(group, "memory.low")
{
    private protected override long Bytes => Group.LowBytes;

    private protected override void Protect(long bytes) => Group.LowBytes = bytes;
}
