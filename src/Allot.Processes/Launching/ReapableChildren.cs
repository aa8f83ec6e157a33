using Allot.Processes.Native;

namespace Allot.Processes.Launching;

/// <summary>Keeps the kernel from forgetting how our children ended.</summary>
internal static unsafe class ReapableChildren
{
    /// <summary>
    /// If SIGCHLD is ignored, as a parent can leave it, the kernel discards exit statuses: sets it to its default,
    /// which does nothing else. The command still inherits it ignored, because launches note that first.
    /// </summary>
    public static void Ensure()
    {
        LibC.KernelSignalAction action;
        if (LibC.SignalAction(SignalNumber.SIGCHLD, null, &action) < 0 || action.Handler != LibC.SIG_IGN) return;
        action = default;
        _ = LibC.SignalAction(SignalNumber.SIGCHLD, &action, null);
    }
}
