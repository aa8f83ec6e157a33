using Allot.Processes.Native;

namespace Allot.Processes.Seccomp;

/// <summary>Receives what a poll has reported.</summary>
internal sealed unsafe class PollingReception : Reception
{
    private readonly int _stopEvent = LibC.EventFd(0, LibC.EFD_CLOEXEC);

    public PollingReception()
    {
        if (_stopEvent >= 0) return;
        throw new InvalidOperationException($"Cannot create the listener's stop event: {Errno.Describe(Errno.Last)}.");
    }

    public override bool TryReceive(int listener, out SeccompNotification notification)
    {
        LibC.PollEntry* entries = stackalloc LibC.PollEntry[2];
        entries[0] = new LibC.PollEntry { Fd = listener, Requested = LibC.POLLIN };
        entries[1] = new LibC.PollEntry { Fd = _stopEvent, Requested = LibC.POLLIN };
        notification = default;
        while (true)
        {
            if (LibC.Poll(entries, 2, -1) < 0)
            {
                if (Errno.Last == Errno.EINTR) continue;
                throw new InvalidOperationException($"Cannot poll the listener: {Errno.Describe(Errno.Last)}.");
            }

            if (entries[1].Returned != 0) return false;
            if ((entries[0].Returned & LibC.POLLIN) == 0) return false;   // hang-up: nobody uses the filter
            if (Receive(listener, out notification) == 0) return true;
        }
    }

    public override void Stop()
    {
        ulong one = 1;
        _ = LibC.Write(_stopEvent, &one, sizeof(ulong));
    }

    public override void Dispose() => _ = LibC.Close(_stopEvent);
}
