// Idle memory is given back in time, by a timer that runs only while there is some: who takes blocks from a class, or
// keeps the first ones that are freed, starts it, and it stops when all that is left is in use.

namespace Allot;

internal sealed unsafe partial class SlabAllocator
{
    private static readonly TimeSpan s_trimPeriod = TimeSpan.FromSeconds(1);

    private ITimer? _timer;

    // 1 while the timer runs, or there is none.
    private int _isTicking = 1;

    /// <summary>From here on, what lies idle for a whole period is given back.</summary>
    public void StartTrimming(TimeProvider time)
    {
        _timer = QuietTimer.Create(time, static state => ((SlabAllocator)state!).Tick(), this);
        Volatile.Write(ref _isTicking, 0);
        NoteActivity();
    }

    /// <summary>Whether the timer is running.</summary>
    public bool IsTrimming => _timer is not null && Volatile.Read(ref _isTicking) != 0;

    /// <summary>There is something to give back, since now.</summary>
    /// <remarks>The timer says that it stops, and then looks; who calls has changed what it looks at, and then sees
    /// whether it has stopped. The barrier makes one of the two see the other.</remarks>
    public void NoteActivity()
    {
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _isTicking) != 0 || Interlocked.Exchange(ref _isTicking, 1) != 0) return;
        _timer!.Change(s_trimPeriod, s_trimPeriod);
    }

    private void Tick()
    {
        GiveBackEnded();
        Trim(all: false);
        if (!IsQuiet()) return;
        ForgetRemovedGroups(all: true);   // the next look comes after the next free
        _timer!.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Interlocked.Exchange(ref _isTicking, 0);
        if (!IsQuiet()) NoteActivity();   // somebody came in between, and may have found it still running
    }

    // Whether nobody keeps a free block, and the arena no free unit: the next allocation fetches from a class.
    private bool IsQuiet()
    {
        if (Arena.IdleBytes > 0 || HasEndedOwners) return false;
        using (_heapsLock.EnterScope())
        {
            foreach (HeapOwner one in _heaps)
            {
                if (!HasNoMagazines(one.Heap, 0, one.Heap->BinCount)) return false;
            }
        }

        int classes = Volatile.Read(ref _classCount);
        for (uint i = 0; i < classes; i++)
        {
            if (!ClassOf(i).IsQuiet) return false;
        }

        return true;
    }
}
