// An open control file: the checks that all files have in common. What is read and what a write does is in the class of
// each file.

namespace Allot;

/// <summary>One open control file of a group.</summary>
/// <remarks>Every read is made anew, and every write replaces: there is no position. All members may be used from any
/// thread.</remarks>
public abstract class GroupFile : IDisposable
{
    private volatile bool _disposed;

    private protected GroupFile(MemoryGroup group, string name)
    {
        Group = group;
        Name = name;
    }

    /// <summary>The name of the file, such as <c>memory.max</c>.</summary>
    public string Name { get; }

    /// <summary>Whose file it is.</summary>
    public MemoryGroup Group { get; }

    /// <summary>Whether it can be read.</summary>
    public virtual bool CanRead => true;

    /// <summary>Whether it can be written.</summary>
    public virtual bool CanWrite => false;

    /// <summary>Reads the whole file.</summary>
    /// <returns>The text as the kernel would write it: with a newline at the end.</returns>
    /// <exception cref="GroupFileException">The file can only be written, or the group was removed.</exception>
    /// <exception cref="ObjectDisposedException">The handle was disposed.</exception>
    public string Read()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ThrowIfRemoved();
        if (!CanRead) throw new GroupFileException(GroupFileError.NotReadable, Group, Name, UnreadableMessage());
        string text = ReadCore();

        // The counters of a removed group read zero. The group is offline before they do: still online, they did not.
        ThrowIfRemoved();
        return text;
    }

    /// <summary>Writes the file. Blocks while reclaimers run, if the text asks for less than is in use.</summary>
    /// <param name="text">What to write. White space around it is ignored.</param>
    /// <returns>The bytes that the write made reclaimers give back; 0 for files that do not reclaim.</returns>
    /// <exception cref="GroupFileException">The file can only be read, the text is not one that it takes, or the group
    /// was removed: then nothing has changed. Or less could be reclaimed than was written to
    /// <c>memory.reclaim</c>.</exception>
    /// <exception cref="ObjectDisposedException">The handle was disposed.</exception>
    public long Write(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        ObjectDisposedException.ThrowIf(_disposed, this);
        ThrowIfRemoved();
        if (!CanWrite) throw new GroupFileException(GroupFileError.NotWritable, Group, Name, UnwritableMessage(text));
        return WriteCore(text);
    }

    /// <summary>Closes the handle. Safe to call twice.</summary>
    public void Dispose()
    {
        _disposed = true;
        Close();
        GC.SuppressFinalize(this);
    }

    /// <summary>Name and group, for an error.</summary>
    private protected string Place => $"'{Name}' of '{Group.Path}'";

    /// <summary>The text of the file.</summary>
    private protected virtual string ReadCore() => throw new InvalidOperationException($"{Place} is not readable.");

    /// <summary>Does what the text says; returns the bytes that were reclaimed for it.</summary>
    private protected virtual long WriteCore(string text) =>
        throw new InvalidOperationException($"{Place} is not writable.");

    /// <summary>Lets go of what the handle keeps. May be called twice.</summary>
    private protected virtual void Close()
    {
    }

    /// <summary>What to write, or to do, instead.</summary>
    private protected virtual string Advice => "";

    private protected GroupFileException Invalid(string text, string problem, Exception? cause = null) => new(
        GroupFileError.InvalidText,
        Group,
        Name,
        $"Cannot write {FileText.Quote(text)} to {Place}: it {problem}. {Advice}".TrimEnd(),
        cause);

    private string UnreadableMessage() => $"Cannot read {Place}: it can only be written. {Advice}".TrimEnd();

    private string UnwritableMessage(string text) =>
        $"Cannot write {FileText.Quote(text)} to {Place}: it can only be read. {Advice}".TrimEnd();

    private void ThrowIfRemoved()
    {
        if (Group.State == MemoryGroupState.Offline) throw GroupFileException.Removed(Group, Name);
    }
}
