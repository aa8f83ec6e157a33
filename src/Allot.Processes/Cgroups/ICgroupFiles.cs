namespace Allot.Processes.Cgroups;

/// <summary>What placing a cgroup asks of the file system. Results are 0 or an errno: refusals are expected
/// here.</summary>
internal interface ICgroupFiles
{
    bool IsRoot { get; }
    int OwnPid { get; }

    bool Exists(string path);

    /// <summary>The text of a file, or null when it cannot be read.</summary>
    string? Read(string path);

    int Write(string path, string text);

    int MakeDirectory(string path);

    int RemoveDirectory(string path);

    /// <summary>The text of an errno.</summary>
    string Message(int errno);
}
