// The pressure of one group: how much of the time flows that charge it, or a group below it, had to wait for memory.
//
// A *flow* is a thread, or a chain of awaits, that charges. It is *stalled* in a group while a charge of it makes it
// reclaim, wait for the reclaim of another, wait for room, or wait above the high limit (PressureScope). It is *busy*
// there from the end of a charge until it stalls again, for BusyTime at most; flows that spend what their thread holds
// in advance are busy as long as they have that, because those charges are not seen.
//
//   some   time with at least one stalled flow
//   full   time with at least one stalled flow and no busy one
//
// In Linux the scheduler knows who runs; in a process nobody knows for whom a thread computes, so a flow that does not
// charge for BusyTime counts as idle. What is inexact: of the busy flows only the last one to charge is remembered
// (full can be high or low by BusyTime when several end and stall in turn), and whether something is held in advance is
// asked at the end of each stretch of time, for all of it.

using System.Diagnostics;

namespace Allot;

internal sealed class PressureState(MemoryCounter memory)
{
    public static readonly TimeSpan BusyTime = TimeSpan.FromMilliseconds(10);

    private readonly SteadyLock _lock = new();

    // Under _lock. Everything before _now is in the averages; 0 <= _stalled.
    private StallAverages _some;
    private StallAverages _full;
    private TimeSpan _now;
    private TimeSpan _busyUntil;
    private int _busyThread;
    private int _stalled;
    private bool _hasBegun;
    private bool _isClosed;
    private PressureWatch[] _watches = [];

    /// <summary>Whether a flow is stalled.</summary>
    public bool IsStalled => Volatile.Read(ref _stalled) != 0;

    /// <summary>A flow stalls.</summary>
    public void Enter(TimeSpan now)
    {
        using (_lock.EnterScope())
        {
            AdvanceTo_NeedsLock(now);
            _stalled++;
            foreach (PressureWatch watch in _watches) watch.Begin_NeedsLock(_now);
            if (_busyThread == Environment.CurrentManagedThreadId) _busyUntil = TimeSpan.Zero;
        }
    }

    /// <summary>A flow is stalled no longer, and goes on.</summary>
    public void Leave(TimeSpan now)
    {
        using (_lock.EnterScope())
        {
            Debug.Assert(_stalled > 0, "Who leaves has entered.");
            AdvanceTo_NeedsLock(now);
            _stalled--;
            NoteBusy_NeedsLock();
        }
    }

    /// <summary>A flow has charged without a stall.</summary>
    public void NoteBusy(TimeSpan now)
    {
        using (_lock.EnterScope())
        {
            AdvanceTo_NeedsLock(now);
            NoteBusy_NeedsLock();
        }
    }

    public MemoryPressure Read(TimeSpan now)
    {
        using (_lock.EnterScope())
        {
            AdvanceTo_NeedsLock(now);
            return Read_NeedsLock();
        }
    }

    /// <returns>Whether it was added: not after removal of the group.</returns>
    public bool TryAdd(PressureWatch watch, TimeSpan now)
    {
        using (_lock.EnterScope())
        {
            if (_isClosed) return false;
            AdvanceTo_NeedsLock(now);
            _watches = [.. _watches, watch];
            if (IsStalled) watch.Begin_NeedsLock(_now);
            return true;
        }
    }

    public void Remove(PressureWatch watch)
    {
        using (_lock.EnterScope())
        {
            watch.Close_NeedsLock();
            _watches = Array.FindAll(_watches, other => other != watch);
        }
    }

    /// <summary>The group was removed: nobody is told any more.</summary>
    public void Close()
    {
        using (_lock.EnterScope())
        {
            _isClosed = true;
            foreach (PressureWatch watch in _watches) watch.Close_NeedsLock();
            _watches = [];
        }
    }

    /// <summary>Whether a watch has to tell; then <see cref="EndCall"/> follows.</summary>
    public bool TryFindAlert(PressureWatch watch, TimeSpan now, out TimeSpan stalled, out MemoryPressure pressure)
    {
        using (_lock.EnterScope())
        {
            AdvanceTo_NeedsLock(now);
            bool tells = watch.Look_NeedsLock(_now, out stalled);
            pressure = tells ? Read_NeedsLock() : default;
            return tells;
        }
    }

    public void EndCall(PressureWatch watch)
    {
        using (_lock.EnterScope()) watch.EndCall_NeedsLock();
    }

    public TimeSpan Total_NeedsLock(PressureKind kind)
    {
        Debug.Assert(_lock.IsHeldByCurrentThread, "Totals grow under the lock.");
        return kind == PressureKind.Full ? _full.Total : _some.Total;
    }

    private MemoryPressure Read_NeedsLock() => new()
    {
        SomeAvg10 = _some.Avg10,
        SomeAvg60 = _some.Avg60,
        SomeAvg300 = _some.Avg300,
        SomeTotal = _some.Total,
        FullAvg10 = _full.Avg10,
        FullAvg60 = _full.Avg60,
        FullAvg300 = _full.Avg300,
        FullTotal = _full.Total,
    };

    private void NoteBusy_NeedsLock()
    {
        _busyUntil = _now + BusyTime;
        _busyThread = Environment.CurrentManagedThreadId;
    }

    private void AdvanceTo_NeedsLock(TimeSpan now)
    {
        Debug.Assert(_lock.IsHeldByCurrentThread, "Averages move under the lock.");
        Debug.Assert(_stalled >= 0, "Who leaves has entered.");
        if (!_hasBegun)
        {
            _hasBegun = true;
            _now = now;
        }

        // Of two threads the later one may have read the clock earlier.
        if (now <= _now) return;

        bool isStalled = _stalled > 0;
        _some.Advance(now - _now, isStalled);
        TimeSpan busy = memory.HasReserves ? now : _busyUntil;
        busy = busy < _now ? _now : busy > now ? now : busy;
        _full.Advance(busy - _now, isStalled: false);
        _full.Advance(now - busy, isStalled);
        _now = now;
        Debug.Assert(_full.Total <= _some.Total, "Where all are stalled, some are.");
    }
}
