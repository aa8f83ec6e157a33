namespace Allot;

/// <summary>Timers that are set in the middle of a charge. Those of the system take a lock for it, and a wait for that
/// one does not end by Thread.Interrupt either (SteadyLock): the interrupt takes effect at the next wait.</summary>
internal static class SteadyTimer
{
    extension(ITimer timer)
    {
        public void ChangeSteadily(TimeSpan dueTime, TimeSpan period) =>
            Do(timer, dueTime, period, static (timer, dueTime, period) => timer.Change(dueTime, period));

        public void DisposeSteadily() =>
            Do(timer, default, default, static (timer, _, _) => timer.Dispose());
    }

    private static void Do(ITimer timer, TimeSpan dueTime, TimeSpan period, Action<ITimer, TimeSpan, TimeSpan> action)
    {
        bool wasInterrupted = false;
        while (true)
        {
            try
            {
                action(timer, dueTime, period);
                break;
            }
            catch (ThreadInterruptedException)
            {
                wasInterrupted = true;
            }
        }

        if (wasInterrupted) Thread.CurrentThread.Interrupt();
    }
}
