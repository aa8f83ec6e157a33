using System.Text;
using Allot.Processes.Native;
using Allot.Processes.Observation;

namespace Allot.Processes.Cgroups;

/// <summary>The real file system.</summary>
internal sealed class KernelCgroupFiles : ICgroupFiles
{
    internal static readonly KernelCgroupFiles Instance = new();

    public bool IsRoot => Environment.IsPrivilegedProcess;
    public int OwnPid => Environment.ProcessId;

    public bool Exists(string path) => Path.Exists(path);

    public string? Read(string path)
    {
        try { return File.ReadAllText(path); }
        catch (IOException) { return null; }
        catch (UnauthorizedAccessException) { return null; }
    }

    public int Write(string path, string text) => WriteText(path, text);

    public int MakeDirectory(string path) => -Math.Min(0, ProcFiles.MakeDirectory(path));

    public int RemoveDirectory(string path) => -Math.Min(0, ProcFiles.RemoveDirectory(path));

    public string Message(int errno) => Errno.Message(errno);

    /// <summary>Writes in one call, as control files demand. 0 or the errno.</summary>
    internal static int WriteText(string path, string text)
    {
        int file = ProcFiles.OpenForWriting(path);
        if (file < 0) return -file;
        int written = ProcFiles.Write(file, Encoding.UTF8.GetBytes(text));
        ProcFiles.Close(file);
        return written < 0 ? -written : 0;
    }
}
