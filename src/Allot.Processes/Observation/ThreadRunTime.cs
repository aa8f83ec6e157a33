using System.Buffers.Text;

namespace Allot.Processes.Observation;

/// <summary>How long a thread has had a processor, from /proc/TID/schedstat.</summary>
internal static class ThreadRunTime
{
    /// <summary>Reads without allocating. False when the thread is gone or the kernel does not tell. A thread that runs
    /// at this moment may have run one clock tick longer.</summary>
    internal static bool TryRead(int threadId, out TimeSpan runTime)
    {
        runTime = default;
        Span<byte> path = stackalloc byte[ProcPath.MaxBytes];
        int file = ProcFiles.Open(ProcPath.Of(threadId, "schedstat"u8, path));
        if (file < 0) return false;
        Span<byte> buffer = ProcFiles.FileBuffer;
        int length = ProcFiles.Read(file, buffer);
        ProcFiles.Close(file);
        if (length <= 0 || !Utf8Parser.TryParse(buffer[..length], out long nanoseconds, out _)) return false;
        runTime = TimeSpan.FromTicks(nanoseconds / TimeSpan.NanosecondsPerTick);
        return nanoseconds > 0;   // a kernel without this statistic says 0
    }
}
