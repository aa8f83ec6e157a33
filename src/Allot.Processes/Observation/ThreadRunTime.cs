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
        if (ProcFiles.ReadStart(threadId, "schedstat"u8, out ReadOnlySpan<byte> text) <= 0) return false;
        if (!Utf8Parser.TryParse(text, out long nanoseconds, out _)) return false;
        runTime = TimeSpan.FromTicks(nanoseconds / TimeSpan.NanosecondsPerTick);
        return nanoseconds > 0;   // a kernel without this statistic says 0
    }
}
