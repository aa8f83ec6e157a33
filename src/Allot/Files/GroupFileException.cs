namespace Allot;

/// <summary>A control file could not be used as asked: the message names file, group, text, and what to write
/// instead.</summary>
public sealed class GroupFileException : IOException
{
    internal GroupFileException(
        GroupFileError error, MemoryGroup group, string fileName, string message, Exception? cause = null)
        : base(message, cause)
    {
        Error = error;
        Group = group;
        FileName = fileName;
    }

    /// <summary>What is wrong.</summary>
    public GroupFileError Error { get; }

    /// <summary>Whose file it is.</summary>
    public MemoryGroup Group { get; }

    /// <summary>The name of the file, as it was asked for.</summary>
    public string FileName { get; }

    /// <summary>With <see cref="GroupFileError.ReclaimedLess"/>: the bytes that were given back. Otherwise
    /// 0.</summary>
    public long ReclaimedBytes { get; internal init; }

    internal static GroupFileException Removed(MemoryGroup group, string name) => new(
        GroupFileError.GroupRemoved,
        group,
        name,
        $"{FileText.Quote(name)} of '{group.Path}' is gone: the group was removed. What it held belongs to "
            + $"'{group.Parent!.Path}'.");

    internal static GroupFileException Unknown(MemoryGroup group, string name, IEnumerable<string> names) => new(
        GroupFileError.UnknownFile,
        group,
        name,
        $"'{group.Path}' has no file {FileText.Quote(name)}. It has {string.Join(", ", names)}.");

    internal static GroupFileException NotOnRoot(MemoryGroup group, string name, IEnumerable<string> names) => new(
        GroupFileError.UnknownFile,
        group,
        name,
        $"The root has no file {FileText.Quote(name)}: as in Linux, it has only {string.Join(", ", names)}. Its limits "
            + "and counters are members of the group, such as Memory.MaxBytes.");
}
