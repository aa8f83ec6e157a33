namespace Allot;

/// <summary>A file of one number that can only be read.</summary>
internal abstract class CounterFile(MemoryGroup group, string name) : GroupFile(group, name)
{
    private protected abstract long Number { get; }

    private protected sealed override string ReadCore() => FileText.Number(Number);
}
