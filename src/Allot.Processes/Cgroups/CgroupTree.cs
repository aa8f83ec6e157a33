// A cgroup directory and all below it: who is in there, how to end them, and how to remove it.

using System.Buffers.Text;
using System.Diagnostics;
using System.Text;
using Allot.Processes.Native;
using Allot.Processes.Observation;

namespace Allot.Processes.Cgroups;

internal sealed class CgroupTree(string path)
{
    private const int KillRoundsMax = 64;
    private const int KillBatch = 256;              // descriptors open at a time
    private const int DyingWaitMilliseconds = 50;   // for one look
    private static readonly TimeSpan s_removeWaitMax = TimeSpan.FromSeconds(1);

    private readonly byte[] _directory = Encoding.UTF8.GetBytes(path + '\0');
    private readonly byte[] _procsFile = Encoding.UTF8.GetBytes(path + "/cgroup.procs\0");
    private readonly List<int> _members = [];
    private readonly List<int> _membersAgain = [];

    /// <summary>The directory itself and all below it, parents before children.</summary>
    internal static IEnumerable<string> Directories(string root)
    {
        var found = new List<string> { root };
        for (int next = 0; next < found.Count; next++) AddChildren(found[next], found);
        return found;
    }

    /// <summary>Replaces the contents by the pids of the whole tree.</summary>
    /// <remarks>
    /// The file is opened anew each time: version 1 keeps the list that an open file has shown for a second, and would
    /// show that old list again.
    /// </remarks>
    internal void ReadMembers(List<int> pids)
    {
        pids.Clear();
        AddMembers(_procsFile, pids);
        if (!HasChildren()) return;
        foreach (string directory in Directories(path).Skip(1))
            AddMembers(Encoding.UTF8.GetBytes(directory + "/cgroup.procs\0"), pids);
    }

    /// <summary>SIGKILL to all members until none is left, in a bounded number of rounds.</summary>
    internal bool TryKillAll()
    {
        if (KernelCgroupFiles.WriteText($"{path}/cgroup.kill", "1") == 0) return WaitUntilEmpty();
        for (int round = 0; round < KillRoundsMax; round++)
        {
            ReadMembers(_members);
            if (_members.Count == 0) return true;
            for (int start = 0; start < _members.Count; start += KillBatch)
                KillMembers(start, Math.Min(KillBatch, _members.Count - start));
        }
        ReadMembers(_members);
        return _members.Count == 0;
    }

    /// <summary>Removes the tree bottom up. Retries while dying members drain.</summary>
    internal RemoveResult Remove()
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            (string? left, int errno) = RemoveOnce();
            if (left is null) return RemoveResult.Done;
            if (errno != Errno.EBUSY || Stopwatch.GetElapsedTime(start) > s_removeWaitMax)
                return new RemoveResult(left, Reason(errno));
            WaitForSomeExit();
        }
    }

    private (string? Left, int Errno) RemoveOnce()
    {
        foreach (string directory in Directories(path).Reverse())
        {
            int result = ProcFiles.RemoveDirectory(directory);
            if (result < 0 && result != -Errno.ENOENT) return (directory, -result);
        }
        return (null, 0);
    }

    private string Reason(int errno)
    {
        ReadMembers(_members);
        return _members.Count == 0
            ? Errno.Message(errno)
            : $"{Errno.Message(errno)}; it still holds {_members.Count} " +
              $"{(_members.Count == 1 ? "process" : "processes")} (pid {string.Join(", ", _members.Take(3))})";
    }

    private bool WaitUntilEmpty()
    {
        for (int round = 0; round < KillRoundsMax; round++)
        {
            ReadMembers(_members);
            if (_members.Count == 0) return true;
            WaitForSomeExit();
        }
        return false;
    }

    /// <remarks>
    /// A pid from the list may have ended, and been given to a stranger, before we act on it. So first a descriptor of
    /// each process is opened, then the list is read again: a pid that is still in it after the descriptor was opened
    /// means that the descriptor is either that member or a process that is dead, never a stranger.
    /// </remarks>
    private void KillMembers(int start, int count)
    {
        Span<LibC.PollEntry> processes = stackalloc LibC.PollEntry[KillBatch];
        processes = processes[..count];
        for (int i = 0; i < count; i++)
        {
            int process = LibC.PidFdOpen(_members[start + i]);
            processes[i] = new LibC.PollEntry { Fd = process, Requested = LibC.POLLIN };
        }
        try
        {
            ReadMembers(_membersAgain);
            _membersAgain.Sort();
            for (int i = 0; i < count; i++)
                if (processes[i].Fd >= 0 && _membersAgain.BinarySearch(_members[start + i]) >= 0)
                    _ = LibC.PidFdSendSignal(processes[i].Fd, SignalNumber.SIGKILL);
            ProcFiles.Wait(processes, DyingWaitMilliseconds);   // poll skips the negative descriptors
        }
        finally
        {
            foreach (LibC.PollEntry process in processes)
                if (process.Fd >= 0) ProcFiles.Close(process.Fd);
        }
    }

    /// <summary>Waits for one member to end, or, when the last has ended but is not yet released, for a
    /// moment.</summary>
    private void WaitForSomeExit()
    {
        ReadMembers(_members);
        Span<LibC.PollEntry> process = stackalloc LibC.PollEntry[1];
        int descriptor = _members.Count > 0 ? LibC.PidFdOpen(_members[0]) : -1;
        process[0] = new LibC.PollEntry { Fd = descriptor, Requested = LibC.POLLIN };
        ProcFiles.Wait(process, descriptor >= 0 ? DyingWaitMilliseconds : 1);
        if (descriptor >= 0) ProcFiles.Close(descriptor);
    }

    private bool HasChildren()
    {
        int directory = ProcFiles.Open(_directory);
        if (directory < 0) return false;
        bool found = false;
        var entries = new DirectoryEntries(directory, ProcFiles.EntryBuffer);
        while (!found && entries.MoveNext()) found = entries.IsDirectory;
        ProcFiles.Close(directory);
        return found;
    }

    private static void AddChildren(string parent, List<string> found)
    {
        int directory = ProcFiles.Open(Encoding.UTF8.GetBytes(parent + '\0'));
        if (directory < 0) return;
        var entries = new DirectoryEntries(directory, ProcFiles.EntryBuffer);
        while (entries.MoveNext())
            if (entries.IsDirectory) found.Add($"{parent}/{Encoding.UTF8.GetString(entries.Name)}");
        ProcFiles.Close(directory);
    }

    private static void AddMembers(byte[] procsFile, List<int> pids)
    {
        int file = ProcFiles.Open(procsFile);
        if (file < 0) return;   // removed meanwhile
        var lines = new LineReader(file, ProcFiles.FileBuffer);
        while (lines.TryRead(out ReadOnlySpan<byte> line))
            if (Utf8Parser.TryParse(line, out int pid, out _) && pid > 0) pids.Add(pid);
        ProcFiles.Close(file);
    }
}
