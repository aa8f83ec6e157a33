namespace Allot;

/// <summary>Waiting by the clock of a tree, without giving up the thread. An interrupt ends it.</summary>
internal static class TimedWait
{
    /// <summary>Waits for a span of time.</summary>
    public static void For(TimeSpan span, TimeProvider time)
    {
        using var ended = new ManualResetEventSlim(initialState: false, spinCount: 0);
        if (time == TimeProvider.System)
        {
            // Without a timer: its callback would need a thread of the pool, and those may all be waiting here.
            ended.Wait(span);
            return;
        }

        using ITimer timer = time.CreateTimer(
            static ended => ((ManualResetEventSlim)ended!).Set(), ended, span, Timeout.InfiniteTimeSpan);
        ended.Wait();
    }

    /// <summary>Waits for the end of a task, for a span of time at most.</summary>
    /// <returns>Whether the task has ended.</returns>
    public static bool For(Task task, TimeSpan span, TimeProvider time)
    {
        if (time == TimeProvider.System) return task.Wait(span);   // the same
        using var over = new CancellationTokenSource();
        try
        {
            Task.WaitAny([task, Task.Delay(span, time, over.Token)]);
            return task.IsCompleted;
        }
        finally
        {
            over.Cancel();
        }
    }
}
