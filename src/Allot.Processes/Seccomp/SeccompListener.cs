// The supervisor's end of a filter with user notification. One thread loops over TryReceive and answers each
// notification; answers may also come from other threads. The kernel holds the calling thread until its answer, or
// until the listener is closed, which makes the call fail with ENOSYS.
//
// Receiving has to end when the last task of the filter ends, and when another thread wants to stop. Since Linux 6.11 a
// receive returns in the first case, and a signal makes it in the second (StoppableWait). Before that it would wait for
// ever, so there TryReceive polls first, which reports both, for a tenth of a round trip.

using Allot.Processes.Native;
using Microsoft.Win32.SafeHandles;

namespace Allot.Processes.Seccomp;

/// <summary>Receives intercepted calls and answers them. Owns the listener descriptor.</summary>
internal sealed unsafe class SeccompListener : IDisposable
{
    private static readonly bool s_returnsWhenUnused = Environment.OSVersion.Version >= new Version(6, 11);

    private readonly Descriptors _descriptors;
    private readonly StoppableWait? _wait;   // null: poll first

    /// <summary>Takes ownership of a listener descriptor.</summary>
    /// <exception cref="InvalidOperationException">The process has no descriptor left for the stop event.</exception>
    public SeccompListener(int fd)
    {
        if (s_returnsWhenUnused && StoppableWait.IsSupported) _wait = new StoppableWait();
        int stop = LibC.EventFd(0, LibC.EFD_CLOEXEC);
        if (stop < 0)
        {
            int errno = Errno.Last;
            _ = LibC.Close(fd);
            throw new InvalidOperationException($"Cannot create the listener's stop event: {Errno.Describe(errno)}.");
        }
        _descriptors = new Descriptors(fd, stop);

        // Hands the processor straight to the woken side, which makes a round trip about five times faster. Kernels
        // before 6.6 do not know it and are merely slower.
        _ = LibC.Ioctl(fd, LibC.SECCOMP_IOCTL_NOTIF_SET_FLAGS, (void*)LibC.SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
    }

    /// <summary>Waits for the next intercepted call. One thread at a time. Allocates nothing.</summary>
    /// <returns>
    /// True with a notification that must be answered. False when there will be no more: no task uses the filter any
    /// longer, or <see cref="Stop"/> or <see cref="Dispose"/> was called.
    /// </returns>
    /// <exception cref="InvalidOperationException">
    /// The kernel refused to receive: a defect, not a state of the target.
    /// </exception>
    public bool TryReceive(out SeccompNotification notification)
    {
        bool used = false;
        try
        {
            if (!TryUse(ref used))
            {
                notification = default;
                return false;
            }

            int listener = _descriptors.Listener;
            return _wait is null
                ? ReceiveWhenPolled(listener, _descriptors.StopEvent, out notification)
                : ReceiveAtOnce(listener, _wait, out notification);
        }
        finally
        {
            if (used) _descriptors.DangerousRelease();
        }
    }

    /// <summary>Lets the call run, as if it had not been intercepted.</summary>
    public SendResult Continue(ulong id)
    {
        LibC.NotificationResponse response = default;
        response.Id = id;
        response.Flags = LibC.SECCOMP_USER_NOTIF_FLAG_CONTINUE;
        return Send(&response);
    }

    /// <summary>Makes the call fail; it does not run.</summary>
    public SendResult Fail(ulong id, int errno)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(errno);
        LibC.NotificationResponse response = default;
        response.Id = id;
        response.Error = -errno;
        return Send(&response);
    }

    /// <summary>
    /// Whether the thread still waits in the call. Ask after reading the thread's memory: only then the bytes are
    /// known to be that thread's, and not those of a later owner of its id.
    /// </summary>
    public bool IsValid(ulong id)
    {
        bool used = false;
        try
        {
            return TryUse(ref used) && LibC.Ioctl(_descriptors.Listener, LibC.SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
        }
        finally
        {
            if (used) _descriptors.DangerousRelease();
        }
    }

    /// <summary>
    /// Makes the current and every later <see cref="TryReceive"/> return false. Answers are still possible.
    /// </summary>
    public void Stop()
    {
        bool used = false;
        try
        {
            if (!TryUse(ref used)) return;
            ulong one = 1;
            _ = LibC.Write(_descriptors.StopEvent, &one, sizeof(ulong));
            _wait?.Stop();
        }
        finally
        {
            if (used) _descriptors.DangerousRelease();
        }
    }

    /// <summary>
    /// Stops, and closes as soon as no thread is inside a method. Calls without an answer, and all later ones, fail
    /// with ENOSYS.
    /// </summary>
    public void Dispose()
    {
        Stop();
        _descriptors.Dispose();
    }

    private static bool ReceiveAtOnce(int listener, StoppableWait wait, out SeccompNotification notification)
    {
        while (true)
        {
            notification = default; // the kernel refuses a buffer that is not zero
            if (!wait.TryEnter()) return false;
            int errno = Receive(listener, ref notification);
            wait.Leave();
            if (errno == 0) return true;
            if (errno == Errno.ENOENT && IsUnused(listener)) return false;
            ThrowUnlessTransient(errno);
        }
    }

    private static bool ReceiveWhenPolled(int listener, int stopEvent, out SeccompNotification notification)
    {
        LibC.PollEntry* entries = stackalloc LibC.PollEntry[2];
        entries[0] = new LibC.PollEntry { Fd = listener, Requested = LibC.POLLIN };
        entries[1] = new LibC.PollEntry { Fd = stopEvent, Requested = LibC.POLLIN };
        while (true)
        {
            notification = default; // the kernel refuses a buffer that is not zero
            if (LibC.Poll(entries, 2, -1) < 0)
            {
                if (Errno.Last == Errno.EINTR) continue;
                throw new InvalidOperationException($"Cannot poll the listener: {Errno.Describe(Errno.Last)}.");
            }
            if (entries[1].Returned != 0) return false;
            if ((entries[0].Returned & LibC.POLLIN) == 0) return false; // hang-up: nobody uses the filter

            int errno = Receive(listener, ref notification);
            if (errno == 0) return true;
            ThrowUnlessTransient(errno); // ENOENT: the target went between the two calls
        }
    }

    private static int Receive(int listener, ref SeccompNotification notification)
    {
        fixed (SeccompNotification* buffer = &notification)
        {
            return LibC.Ioctl(listener, LibC.SECCOMP_IOCTL_NOTIF_RECV, buffer) == 0 ? 0 : Errno.Last;
        }
    }

    private static bool IsUnused(int listener)
    {
        var entry = new LibC.PollEntry { Fd = listener, Requested = LibC.POLLIN };
        return LibC.Poll(&entry, 1, 0) > 0 && (entry.Returned & LibC.POLLIN) == 0;
    }

    private static void ThrowUnlessTransient(int errno)
    {
        if (errno is Errno.EINTR or Errno.ENOENT) return;
        throw new InvalidOperationException($"Cannot receive from the listener: {Errno.Describe(errno)}.");
    }

    private SendResult Send(LibC.NotificationResponse* response)
    {
        bool used = false;
        try
        {
            if (!TryUse(ref used)) return SendResult.Closed;
            while (LibC.Ioctl(_descriptors.Listener, LibC.SECCOMP_IOCTL_NOTIF_SEND, response) < 0)
            {
                int errno = Errno.Last;
                if (errno == Errno.ENOENT) return SendResult.TargetGone;
                if (errno == Errno.EINTR) continue;
                throw new InvalidOperationException(
                    $"Notification {response->Id:x} cannot be answered: {Errno.Describe(errno)}.");
            }
            return SendResult.Sent;
        }
        finally
        {
            if (used) _descriptors.DangerousRelease();
        }
    }

    // Keeps the descriptors open while a method uses them: a closed number may be somebody else's file already.
    private bool TryUse(ref bool used)
    {
        if (_descriptors.IsClosed) return false;
        try
        {
            _descriptors.DangerousAddRef(ref used);
            return true;
        }
        catch (ObjectDisposedException)
        {
            return false; // Dispose came in between
        }
    }

    // Both descriptors under one reference count.
    private sealed class Descriptors : SafeHandleMinusOneIsInvalid
    {
        public Descriptors(int listener, int stopEvent)
            : base(ownsHandle: true)
        {
            SetHandle(listener);
            StopEvent = stopEvent;
        }

        public int Listener => (int)handle;

        public int StopEvent { get; }

        protected override bool ReleaseHandle()
        {
            _ = LibC.Close(StopEvent);
            return LibC.Close(Listener) == 0;
        }
    }
}
