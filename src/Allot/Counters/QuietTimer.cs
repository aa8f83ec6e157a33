namespace Allot;

/// <summary>Timers that keep nothing of whoever happens to create them: what flows with a request (AsyncLocal) can be
/// large, and is not for what runs on the timer.</summary>
internal static class QuietTimer
{
    /// <summary>A timer that does not run yet.</summary>
    public static ITimer Create(TimeProvider time, TimerCallback callback, object? state)
    {
        TimeSpan never = Timeout.InfiniteTimeSpan;
        bool flows = !ExecutionContext.IsFlowSuppressed();
        AsyncFlowControl suppressed = flows ? ExecutionContext.SuppressFlow() : default;
        try
        {
            return time.CreateTimer(callback, state, never, never);
        }
        finally
        {
            if (flows) suppressed.Undo();
        }
    }
}
