// Opening /proc/PID/status is a third of the cost of reading it. A supervisor reads the same few on every call, so it
// keeps them open. An open file belongs to the process or thread, not to the number: when that has gone, reading fails,
// also when the number has come to mean another one.

using Allot.Processes.Native;

namespace Allot.Processes.Observation;

/// <summary>Reads the status of processes and threads again and again. Not thread-safe.</summary>
internal sealed class StatusFiles : IDisposable
{
    private readonly int _filesMax;
    private readonly Dictionary<int, int> _fileById;

    /// <summary>Keeps at most so many files open; when one more is needed, it begins anew.</summary>
    internal StatusFiles(int filesMax = 64)
    {
        _filesMax = filesMax;
        _fileById = new Dictionary<int, int>(filesMax);
    }

    /// <summary>Like <see cref="ProcessStatus.TryRead(int, out ProcessStatus)"/>.</summary>
    internal bool TryRead(int id, out ProcessStatus status)
    {
        if (_fileById.TryGetValue(id, out int file))
        {
            if (ProcessStatus.TryReadFrom(file, out status)) return true;
            Forget(id, file);   // gone; the number may be another's by now
        }

        status = default;
        file = Open(id);
        if (file < 0) return false;
        if (ProcessStatus.TryReadFrom(file, out status)) return true;
        Forget(id, file);
        return false;
    }

    public void Dispose() => CloseAll();

    private int Open(int id)
    {
        if (_fileById.Count == _filesMax) CloseAll();
        int file = ProcessStatus.Open(id);
        if (file == -Errno.EMFILE && _fileById.Count > 0)
        {
            CloseAll();
            file = ProcessStatus.Open(id);
        }

        if (file >= 0) _fileById.Add(id, file);
        return file;
    }

    private void Forget(int id, int file)
    {
        _fileById.Remove(id);
        ProcFiles.Close(file);
    }

    private void CloseAll()
    {
        foreach (int file in _fileById.Values) ProcFiles.Close(file);
        _fileById.Clear();
    }
}
