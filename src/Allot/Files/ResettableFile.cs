namespace Allot;

/// <summary>A file of one number that starts again when anything is written.</summary>
internal abstract class ResettableFile(MemoryGroup group, string name) : GroupFile(group, name)
{
    public sealed override bool CanWrite => true;

    private protected sealed override string ReadCore() => FileText.Number(Number);

    private protected sealed override long WriteCore(string text)
    {
        if (text.Length == 0) throw Invalid(text, "is empty");
        Reset();
        return 0;
    }

    /// <summary>Since it was last reset, or ever. Reading it makes no counter.</summary>
    private protected abstract long Number { get; }

    private protected abstract void Reset();
}
