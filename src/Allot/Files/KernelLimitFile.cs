// The limit of kernel memory, by its version 1 name and in the words of version 1: no limit is written -1, and read as
// the largest number of whole pages. Unlike the kernel's, which has had no effect since 5.16, it limits.

namespace Allot;

/// <summary>The limit of kernel memory.</summary>
internal sealed class KernelLimitFile(MemoryGroup group) : GroupFile(group, "memory.kmem.limit_in_bytes")
{
    /// <summary>What the kernel reads for no limit, with pages of 4 KiB.</summary>
    internal const long Unlimited = long.MaxValue / 4096 * 4096;

    public override bool CanWrite => true;

    private protected override string Advice =>
        "Write bytes (4096), a number with K, M, G, T, P or E (64M), or -1 for no limit.";

    private protected override string ReadCore() =>
        FileText.Number(Math.Min(Group.KernelIfAny?.MaxBytes ?? MemoryGroup.Unlimited, Unlimited));

    private protected override long WriteCore(string text)
    {
        long bytes = MemoryGroup.Unlimited;
        if (text.Trim() != "-1" && FileText.ReadAmount(text, out bytes) is { } problem) throw Invalid(text, problem);
        if (text.Trim() == "max") throw Invalid(text, "is the word of version 2");
        try
        {
            Group.Kernel.MaxBytes = bytes < Unlimited ? bytes : MemoryGroup.Unlimited;
        }
        catch (InvalidOperationException e)
        {
            string message = $"Cannot write {FileText.Quote(text)} to {Place}: {e.Message}";
            throw new GroupFileException(GroupFileError.Refused, Group, Name, message, e);
        }

        return 0;
    }
}
