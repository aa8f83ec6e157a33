namespace Allot;

/// <summary>Memory that is never reclaimed.</summary>
internal sealed class MemoryMinFile(MemoryGroup group) : ProtectionFile(group, "memory.min")
{
    private protected override long Bytes => Group.MinBytes;

    private protected override void Protect(long bytes) => Group.MinBytes = bytes;
}
