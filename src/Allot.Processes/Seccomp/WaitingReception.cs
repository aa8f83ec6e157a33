using System.Runtime.CompilerServices;
using Allot.Processes.Native;

namespace Allot.Processes.Seccomp;

/// <summary>Waits inside the receive.</summary>
internal sealed unsafe class WaitingReception : Reception
{
    private readonly StoppableWait _wait = new();

    [MethodImpl(AnsweringPath.Method)]
    public override bool TryReceive(int listener, out SeccompNotification notification)
    {
        while (_wait.TryEnter())
        {
            int errno;
            try
            {
                errno = Receive(listener, out notification);
            }
            finally
            {
                _wait.Leave();
            }

            if (errno == 0) return true;
            if (errno == Errno.ENOENT && IsUnused(listener)) return false;
        }

        notification = default;
        return false;
    }

    public override void Stop() => _wait.Stop();

    public override void Dispose()
    {
        // It owns nothing.
    }

    private static bool IsUnused(int listener)
    {
        var entry = new LibC.PollEntry { Fd = listener, Requested = LibC.POLLIN };
        return LibC.Poll(&entry, 1, 0) > 0 && (entry.Returned & LibC.POLLIN) == 0;
    }
}
