namespace Allot.Tests.Reclaim;

/// <summary>A clock that stands still but for who waits: a wait is over at once, and the clock shows it.</summary>
internal sealed class SkippingTime : TimeProvider
{
    private readonly Lock _lock = new();
    private long _ticks = TimeSpan.TicksPerDay;

    public TimeSpan Slept { get; private set; }

    /// <summary>Called in each wait.</summary>
    public Action? InWait { get; set; }

    /// <summary>Called whenever the clock is looked at.</summary>
    public Action? InTimestamp { get; set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp()
    {
        InTimestamp?.Invoke();
        lock (_lock) return _ticks;
    }

    public void Advance(TimeSpan time)
    {
        lock (_lock) _ticks += time.Ticks;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (dueTime == Timeout.InfiniteTimeSpan) return new NoTimer();
        Advance(dueTime);
        lock (_lock) Slept += dueTime;
        InWait?.Invoke();
        callback(state);
        return new NoTimer();
    }

    // The timers of reserves: they never fire.
    private sealed class NoTimer : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
