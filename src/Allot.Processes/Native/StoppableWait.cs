// One thread waits in a system call; another may end that, for good. The protocol:
//   - who waits names itself in _waiting, then looks at _stopped, and only then calls the kernel;
//   - who stops sets _stopped, then looks at _waiting, and signals the thread it finds there until it is gone.
// Both look after they have written, with a full fence between, so at least one sees the other. The signal may come
// before the thread is inside the call, where it wakes nobody: that is why it is sent again.

using System.Runtime.CompilerServices;

namespace Allot.Processes.Native;

/// <summary>Lets a thread leave a system call that waits. One thread waits at a time; any may stop it.</summary>
internal sealed class StoppableWait
{
    private const int Nobody = 0;

    [ThreadStatic] private static int t_threadId;

    private int _waiting;   // the thread inside, or Nobody
    private volatile bool _stopped;

    /// <summary>Whether this process can do it.</summary>
    public static bool IsSupported => WakeSignal.IsAvailable;

    /// <summary>To be called before the system call, which may fail with EINTR from here on. False when stopped: do not
    /// call then. After true, <see cref="Leave"/> has to follow.</summary>
    [MethodImpl(AnsweringPath.Method)]
    public bool TryEnter()
    {
        if (t_threadId == 0) Introduce();
        Interlocked.Exchange(ref _waiting, t_threadId);
        if (!_stopped) return true;
        Leave();
        return false;
    }

    /// <summary>To be called after the system call.</summary>
    public void Leave() => Volatile.Write(ref _waiting, Nobody);

    /// <summary>Makes the current system call return, and every later <see cref="TryEnter"/> refuse. Returns when
    /// nobody is inside.</summary>
    public void Stop()
    {
        _stopped = true;
        Interlocked.MemoryBarrier();
        Steadily.Do(WakeUntilNobodyWaits);
    }

    // The pause sleeps now and then, and a sleep can be interrupted.
    private void WakeUntilNobodyWaits()
    {
        var pause = new SpinWait();
        while (Volatile.Read(ref _waiting) is var threadId && threadId != Nobody)
        {
            WakeSignal.Send(threadId);
            pause.SpinOnce();
        }
    }

    private static void Introduce()
    {
        WakeSignal.Unblock();
        t_threadId = LibC.GetThreadId();
    }
}
