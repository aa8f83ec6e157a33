// The supervisor's end of a filter with user notification. One thread loops over TryReceive and answers each
// notification; answers may also come from other threads. The kernel holds the calling thread until its answer, or
// until the listener is closed, which makes the call fail with ENOSYS.
//
// How a receive waits depends on the kernel: see Reception.

using System.Runtime.CompilerServices;
using Allot.Processes.Native;
using Microsoft.Win32.SafeHandles;

namespace Allot.Processes.Seccomp;

/// <summary>Receives intercepted calls and answers them. Owns the listener descriptor.</summary>
internal sealed unsafe class SeccompListener : IDisposable
{
    private readonly Descriptor _descriptor;
    private readonly Reception _reception;

    /// <summary>Takes ownership of a listener descriptor.</summary>
    /// <exception cref="InvalidOperationException">The process has too few descriptors left.</exception>
    public SeccompListener(int fd)
    {
        try
        {
            _reception = Reception.Create();
        }
        catch
        {
            _ = LibC.Close(fd);
            throw;
        }

        _descriptor = new Descriptor(fd, _reception);

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
    [MethodImpl(AnsweringPath.Method)]
    public bool TryReceive(out SeccompNotification notification)
    {
        bool used = false;
        try
        {
            if (TryUse(ref used)) return _reception.TryReceive(_descriptor.Number, out notification);
            notification = default;
            return false;
        }
        finally
        {
            if (used) _descriptor.DangerousRelease();
        }
    }

    /// <summary>Lets the call run, as if it had not been intercepted.</summary>
    [MethodImpl(AnsweringPath.Method)]
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
            return TryUse(ref used) && LibC.Ioctl(_descriptor.Number, LibC.SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
        }
        finally
        {
            if (used) _descriptor.DangerousRelease();
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
            if (TryUse(ref used)) _reception.Stop();
        }
        finally
        {
            if (used) _descriptor.DangerousRelease();
        }
    }

    /// <summary>
    /// Stops, and closes as soon as no thread is inside a method. Calls without an answer, and all later ones, fail
    /// with ENOSYS.
    /// </summary>
    public void Dispose()
    {
        Stop();
        _descriptor.Dispose();
    }

    [MethodImpl(AnsweringPath.Method)]
    private SendResult Send(LibC.NotificationResponse* response)
    {
        bool used = false;
        try
        {
            if (!TryUse(ref used)) return SendResult.Closed;
            while (LibC.Ioctl(_descriptor.Number, LibC.SECCOMP_IOCTL_NOTIF_SEND, response) < 0)
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
            if (used) _descriptor.DangerousRelease();
        }
    }

    // Keeps the descriptor open while a method uses it: a closed number may be somebody else's file already.
    [MethodImpl(AnsweringPath.Method)]
    private bool TryUse(ref bool used)
    {
        if (_descriptor.IsClosed) return false;
        try
        {
            _descriptor.DangerousAddRef(ref used);
            return true;
        }
        catch (ObjectDisposedException)
        {
            return false; // Dispose came in between
        }
    }

    // Open as long as a method uses it, and what the reception needs with it.
    private sealed class Descriptor : SafeHandleMinusOneIsInvalid
    {
        private readonly Reception _reception;

        public Descriptor(int number, Reception reception)
            : base(ownsHandle: true)
        {
            SetHandle(number);
            _reception = reception;
        }

        public int Number => (int)handle;

        protected override bool ReleaseHandle()
        {
            _reception.Dispose();
            return LibC.Close(Number) == 0;
        }
    }
}
