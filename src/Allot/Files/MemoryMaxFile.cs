namespace Allot;

/// <summary>The limit of memory.</summary>
internal sealed class MemoryMaxFile(MemoryGroup group) : MemoryLimitFile(group, "memory.max")
{
    private protected override long Bytes => Group.Memory.MaxBytes;

    private protected override void Set(string text, long bytes) => Group.Memory.MaxBytes = bytes;
}
