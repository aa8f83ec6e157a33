// The right of one thread to write without locks, until a second one wants to.
//
// The writer says that it is inside with a plain store, and then looks whether its right has ended. Who ends the right
// says so first, makes every processor of the process pass a barrier, and waits until the writer is outside. Whichever
// of the two comes first, the other sees it: either the writer sees the end, or the barrier has made visible that it is
// inside. From then on all writers take locks, for good.
//
//   writer    1. inside: yes   2. ended?   3. writes   4. inside: no
//   others    1. ended: yes   2. barrier of the process   3. wait for inside: no
//
// A thread that has ended and a new one of the same number are one after the other, so they may share the right.

using System.Runtime.CompilerServices;

namespace Allot.Maps;

internal sealed class SoleWriter
{
    private const int Nobody = 0, Everybody = -1;

    private readonly SteadyLock _ending = new();
    private int _writer = Nobody;   // a number of a thread
    private int _isInside;
    private int _isEnded;

    /// <summary>For assertions.</summary>
    public bool IsInside => Volatile.Read(ref _isInside) != 0;

    /// <summary>Whether this thread writes alone now. If so, it calls <see cref="Exit"/> afterwards; if not, it takes
    /// locks.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryEnter()
    {
        int writer = Volatile.Read(ref _writer);
        if (writer == Everybody) return false;
        return writer == Environment.CurrentManagedThreadId ? TryBegin() : TryBecome();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Exit() => Volatile.Write(ref _isInside, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryBegin()
    {
        Volatile.Write(ref _isInside, 1);
        if (Volatile.Read(ref _isEnded) == 0) return true;
        Volatile.Write(ref _isInside, 0);
        return false;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryBecome()
    {
        int me = Environment.CurrentManagedThreadId;
        if (Interlocked.CompareExchange(ref _writer, me, Nobody) == Nobody) return TryBegin();
        using (_ending.EnterScope())
        {
            if (Volatile.Read(ref _writer) == Everybody) return false;
            Volatile.Write(ref _isEnded, 1);
            Interlocked.MemoryBarrierProcessWide();
            SteadySpin spin = default;
            while (Volatile.Read(ref _isInside) != 0) spin.Once();
            Volatile.Write(ref _writer, Everybody);
        }

        return false;
    }
}
