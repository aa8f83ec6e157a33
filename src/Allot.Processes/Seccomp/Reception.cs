// How a thread waits for the next notification. That has to end when the last task of the filter ends, and when another
// thread wants to stop.
//   - Since Linux 6.11 a receive returns in the first case, and a signal makes it in the second: WaitingReception.
//   - Before, it would wait for ever. PollingReception polls first, which reports both, for a tenth of a round trip.

using System.Runtime.CompilerServices;
using Allot.Processes.Native;

namespace Allot.Processes.Seccomp;

/// <summary>Receives notifications from a listener that somebody else owns. One thread receives at a time; any may
/// stop.</summary>
internal abstract unsafe class Reception : IDisposable
{
    private static readonly Version s_firstToReturnWhenUnused = new(6, 11);

    /// <summary>The cheapest way that this kernel has.</summary>
    /// <exception cref="InvalidOperationException">The process has too few descriptors left.</exception>
    public static Reception Create() =>
        Environment.OSVersion.Version >= s_firstToReturnWhenUnused && StoppableWait.IsSupported
            ? new WaitingReception()
            : new PollingReception();

    /// <summary>Waits for the next notification. False when there will be no more.</summary>
    /// <exception cref="InvalidOperationException">The kernel refused to receive.</exception>
    public abstract bool TryReceive(int listener, out SeccompNotification notification);

    /// <summary>Makes the current and every later receive return.</summary>
    public abstract void Stop();

    public abstract void Dispose();

    /// <summary>One attempt.</summary>
    /// <returns>0, EINTR, or ENOENT: the task went before it was received.</returns>
    [MethodImpl(AnsweringPath.Method)]
    protected static int Receive(int listener, out SeccompNotification notification)
    {
        notification = default;   // the kernel refuses a buffer that is not zero
        int errno;
        fixed (SeccompNotification* buffer = &notification)
        {
            if (LibC.Ioctl(listener, LibC.SECCOMP_IOCTL_NOTIF_RECV, buffer) == 0) return 0;
            errno = Errno.Last;
        }

        if (errno is Errno.EINTR or Errno.ENOENT) return errno;
        throw new InvalidOperationException($"Cannot receive from the listener: {Errno.Describe(errno)}.");
    }
}
