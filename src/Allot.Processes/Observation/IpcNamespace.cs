namespace Allot.Processes.Observation;

/// <summary>Whether a thread sees the System V objects that we see.</summary>
internal static class IpcNamespace
{
    private const int LinkBytes = 64;

    /// <summary>False also when the thread is gone or may not be asked.</summary>
    public static bool IsOurs(int threadId)
    {
        Span<byte> path = stackalloc byte[ProcPath.MaxBytes];
        Span<byte> theirs = stackalloc byte[LinkBytes];
        Span<byte> ours = stackalloc byte[LinkBytes];
        int theirLength = ProcFiles.ReadLink(ProcPath.Of(threadId, "ns/ipc"u8, path), theirs);
        int ourLength = ProcFiles.ReadLink("/proc/self/ns/ipc\0"u8, ours);
        return theirLength > 0 && ourLength > 0 && theirs[..theirLength].SequenceEqual(ours[..ourLength]);
    }
}
