// An Allot that is killed cannot remove its cgroup; the next one that makes a cgroup beside it does, when two things
// say that the owner has ended:
//   - no process has the pid in the name (or it is our own, of an earlier life). The pid alone would not do, since it
//     means nothing in another pid namespace;
//   - nobody holds the lock on the directory, which its owner has as long as it lives. The lock alone would not do,
//     since a new directory is not locked for a moment. Who finds its new directory locked or gone makes another.
//
// The kernel refuses to remove a cgroup that has members or children, so nothing in use is ever touched.

using System.Buffers.Text;
using System.Text;
using Allot.Processes.Native;
using Allot.Processes.Observation;
using Microsoft.Win32.SafeHandles;

namespace Allot.Processes.Cgroups;

/// <summary>Removes what killed Allots have left.</summary>
internal static class AbandonedCgroups
{
    private const int UniqueDigits = 8;

    /// <summary>"allot-NAME.PID.RANDOM", for a new cgroup of this process.</summary>
    internal static string NewName(string name, int ownPid) =>
        $"allot-{name}.{ownPid}.{Random.Shared.GetHexString(UniqueDigits, lowercase: true)}";

    /// <summary>Marks a cgroup as one whose owner lives, as long as the result is open. Null when it is gone or about
    /// to be.</summary>
    internal static SafeFileHandle? TryOwn(string directory)
    {
        SafeFileHandle? owned = FileLock.TryTakeDirectory(Encoding.UTF8.GetBytes(directory + '\0'));
        if (owned is null || Path.Exists($"{directory}/cgroup.procs")) return owned;
        owned.Dispose();
        return null;
    }

    /// <summary>Removes the empty ones in a directory whose owner has ended. What cannot be removed stays, and nobody
    /// is told.</summary>
    internal static void Sweep(string parent)
    {
        int directory = ProcFiles.Open(Encoding.UTF8.GetBytes(parent + '\0'));
        if (directory < 0) return;
        var entries = new DirectoryEntries(directory, ProcFiles.EntryBuffer);
        while (entries.MoveNext())
        {
            if (!entries.IsDirectory || !TryReadOwner(entries.Name, out int pid)) continue;
            if (pid != Environment.ProcessId && LibC.Exists(pid)) continue;
            string path = $"{parent}/{Encoding.UTF8.GetString(entries.Name)}";
            using SafeFileHandle? owned = TryOwn(path);
            if (owned is not null) _ = ProcFiles.RemoveDirectory(path);
        }

        ProcFiles.Close(directory);
    }

    /// <summary>The pid in a name that <see cref="NewName"/> has made.</summary>
    internal static bool TryReadOwner(ReadOnlySpan<byte> name, out int pid)
    {
        pid = 0;
        if (!name.StartsWith("allot-"u8)) return false;
        name = name["allot-".Length..];
        int random = name.LastIndexOf((byte)'.');
        if (random < 0 || name.Length - random - 1 != UniqueDigits) return false;
        foreach (byte digit in name[(random + 1)..])
        {
            if (!char.IsAsciiHexDigitLower((char)digit)) return false;
        }

        name = name[..random];
        int number = name.LastIndexOf((byte)'.') + 1;
        return number > 1 && Utf8Parser.TryParse(name[number..], out pid, out int used) && used == name.Length - number
            && pid > 0;
    }
}
