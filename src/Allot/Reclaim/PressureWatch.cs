// Telling somebody of the pressure of a group, as a trigger asks.
//
// While nothing stalls there is no timer. The first flow that stalls starts one (Begin), which looks ten times in each
// window, and which stops when no flow is stalled and the window has passed without any stall. Who stalls only sets the
// timer: it looks, and calls, on a thread of the pool, so that no flow runs foreign code for having waited.
//
// Lock order: the lock of PressureState, under which the fields here are; nothing is called under it.

using System.Diagnostics;

namespace Allot;

internal sealed class PressureWatch : IDisposable
{
    private const int LooksPerWindow = 10;

    private readonly MemoryGroup _group;
    private readonly PressureState _state;
    private readonly PressureTrigger _trigger;
    private readonly Action<PressureAlert> _callback;
    private readonly StallWindow _window;
    private readonly ITimer _timer;

    private TimeSpan _quietUntil = TimeSpan.MinValue;
    private bool _isLooking;
    private bool _isCalling;
    private bool _isClosed;

    public PressureWatch(
        MemoryGroup group, PressureState state, PressureTrigger trigger, Action<PressureAlert> callback)
    {
        _group = group;
        _state = state;
        _trigger = trigger;
        _callback = callback;
        _window = new StallWindow(trigger.Window);
        _timer = QuietTimer.Create(
            group.Controller.Time, static watch => ((PressureWatch)watch!).Look(), this);
    }

    public void Dispose() => _state.Remove(this);

    /// <summary>A flow stalls: looks from here on.</summary>
    public void Begin_NeedsLock(TimeSpan now)
    {
        if (_isLooking || _isClosed) return;
        _isLooking = true;
        _window.Restart(now, _state.Total_NeedsLock(_trigger.Kind));
        _timer.ChangeSteadily(_trigger.Window / LooksPerWindow, _trigger.Window / LooksPerWindow);
    }

    public void Close_NeedsLock()
    {
        _isClosed = true;
        _timer.DisposeSteadily();
    }

    /// <summary>Whether to tell now. One alert in each window, and one at a time.</summary>
    public bool Look_NeedsLock(TimeSpan now, out TimeSpan stalled)
    {
        stalled = TimeSpan.Zero;
        if (!_isLooking || _isClosed) return false;
        stalled = _window.Look(now, _state.Total_NeedsLock(_trigger.Kind));
        Debug.Assert(stalled >= TimeSpan.Zero, "Stall time is never taken back.");
        if (stalled >= _trigger.Stall && now >= _quietUntil && !_isCalling)
        {
            _quietUntil = now + _trigger.Window;
            _isCalling = true;
            return true;
        }

        if (stalled == TimeSpan.Zero && !_state.IsStalled)
        {
            _isLooking = false;
            _timer.ChangeSteadily(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }

        return false;
    }

    public void EndCall_NeedsLock() => _isCalling = false;

    private void Look()
    {
        if (!_state.TryFindAlert(this, PressureScope.Now(_group), out TimeSpan stalled, out MemoryPressure pressure))
        {
            return;
        }

        try
        {
            _callback(new PressureAlert
            {
                Group = _group,
                Trigger = _trigger,
                Stalled = stalled,
                Pressure = pressure,
            });
        }
        catch (Exception e)
        {
            string what = TraceReport.Describe(e);
            TraceReport.Error($"a watch of the pressure of '{_group.Path}' ({_trigger}) threw: {what}");
        }
        finally
        {
            _state.EndCall(this);
        }
    }
}
