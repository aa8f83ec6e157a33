namespace Allot;

/// <summary>Reclaim on demand.</summary>
internal sealed class MemoryReclaimFile(MemoryGroup group) : GroupFile(group, "memory.reclaim")
{
    public override bool CanRead => false;

    public override bool CanWrite => true;

    private protected override string Advice =>
        "Write how much to reclaim: bytes (4096), or a number with K, M, G, T, P or E (64M).";

    private protected override long WriteCore(string text)
    {
        bool swaps = text.Contains("swappiness", StringComparison.Ordinal);
        if (swaps) throw Invalid(text, "asks to swap, and nothing does");
        if (FileText.ReadAmount(text, out long bytes) is { } problem) throw Invalid(text, problem);
        if (bytes == MemoryGroup.Unlimited) throw Invalid(text, "is not an amount");

        long reclaimed = Group.Reclaim(bytes);
        if (reclaimed >= bytes) return reclaimed;
        throw new GroupFileException(
            GroupFileError.ReclaimedLess,
            Group,
            Name,
            $"Wrote {FileText.Quote(text)} to {Place}: {reclaimed} of {bytes} bytes were reclaimed. The rest is "
                + "protected, in use, or known to no reclaimer of the group. Write less, or register a reclaimer.")
        {
            ReclaimedBytes = reclaimed,
        };
    }
}
