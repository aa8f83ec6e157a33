namespace Allot;

/// <summary>The soft limit of memory.</summary>
internal sealed class MemoryHighFile(MemoryGroup group) : MemoryLimitFile(group, "memory.high")
{
    private protected override long Bytes => Group.HighBytes;

    private protected override void Set(string text, long bytes) => Group.HighBytes = bytes;
}
