namespace Allot;

/// <summary>A protection of memory.</summary>
internal abstract class ProtectionFile(MemoryGroup group, string name) : AmountFile(group, name)
{
    private protected sealed override void Set(string text, long bytes)
    {
        try
        {
            Protect(bytes);
        }
        catch (ArgumentOutOfRangeException e)
        {
            string limit = FileText.Limit(Group.Memory.MaxBytes).TrimEnd();
            throw Invalid(text, $"protects more than the group may use: its memory.max is {limit}", e);
        }
    }

    /// <summary>Sets it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is above the limit.</exception>
    private protected abstract void Protect(long bytes);
}
