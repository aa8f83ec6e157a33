// A signal whose only effect is that a system call that waits returns EINTR: its handler is a function of the C library
// that does nothing to speak of, and no call is restarted after it. The number is the highest that has no handler in
// this process and is not blocked, as one that somebody waits for (sigwait, signalfd) would be; it is taken when it is
// needed first, and kept. A program that is executed does not inherit it.

using System.Runtime.InteropServices;

namespace Allot.Processes.Native;

/// <summary>Takes a thread of this process out of a system call. Safe from any thread.</summary>
internal static unsafe class WakeSignal
{
    private const int LowestOfOurs = 40;   // below, the C library and the runtime have theirs
    private const int None = 0;

    private static readonly int s_number = Claim();

    /// <summary>Whether there is such a signal.</summary>
    public static bool IsAvailable => s_number != None;

    /// <summary>For a thread that wants to be woken: who started it may have blocked the signal.</summary>
    public static void Unblock() => _ = LibC.UnblockSignals(SignalNumber.Bit(s_number));

    /// <summary>Wakes a thread, should it wait at this moment.</summary>
    public static void Send(int threadId) => _ = LibC.SignalThread(Environment.ProcessId, threadId, s_number);

    private static int Claim()
    {
        if (!NativeLibrary.TryLoad(LibC.Library, typeof(WakeSignal).Assembly, null, out nint library)) return None;
        if (!NativeLibrary.TryGetExport(library, "abs", out nint harmless)) return None;
        ulong blocked = LibC.GetSignalMask();
        for (int signal = SignalNumber.Highest; signal >= LowestOfOurs; signal--)
        {
            if ((blocked & SignalNumber.Bit(signal)) != 0) continue;
            LibC.KernelSignalAction current;
            if (LibC.SignalAction(signal, null, &current) != 0 || current.Handler != LibC.SIG_DFL) continue;
            var handler = new LibC.SignalHandler { Function = harmless };
            if (LibC.HandleSignal(signal, &handler, null) == 0) return signal;
        }

        return None;
    }
}
