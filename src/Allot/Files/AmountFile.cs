namespace Allot;

/// <summary>A file of one amount, which may be <c>max</c>, and which can be set.</summary>
internal abstract class AmountFile(MemoryGroup group, string name) : GroupFile(group, name)
{
    public sealed override bool CanWrite => true;

    private protected override string Advice =>
        "Write bytes (4096), a number with K, M, G, T, P or E (64M), or max.";

    private protected sealed override string ReadCore() => FileText.Limit(Bytes);

    private protected sealed override long WriteCore(string text)
    {
        if (FileText.ReadAmount(text, out long bytes) is { } problem) throw Invalid(text, problem);
        Set(text, bytes);
        return ReclaimTo(bytes);
    }

    /// <summary>The amount.</summary>
    private protected abstract long Bytes { get; }

    /// <summary>Sets it, or throws with the text.</summary>
    private protected abstract void Set(string text, long bytes);

    /// <summary>Makes the group obey a new limit as far as it can now.</summary>
    private protected virtual long ReclaimTo(long bytes) => 0;
}
