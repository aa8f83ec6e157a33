// Real threads that start together, and a watcher that looks on until all of them are done.

namespace Allot.Stress;

internal static class Crew
{
    /// <summary>Runs the workers; the watcher is called over and over while they work. The first exception of any of
    /// them is thrown.</summary>
    public static void Run(IReadOnlyList<Action> workers, Action watch)
    {
        using var start = new Barrier(workers.Count + 1);
        var failures = new System.Collections.Concurrent.ConcurrentQueue<Exception>();
        int working = workers.Count;

        Thread[] threads = [.. workers.Select(work => StartThread(() => Guard(work, WorkerIsDone)))];
        Thread watcher = StartThread(() => Guard(WatchWhileTheyWork, () => { }));

        foreach (Thread thread in threads) thread.Join();
        watcher.Join();
        if (failures.TryDequeue(out Exception? failure))
        {
            throw new InvalidOperationException("A thread failed.", failure);
        }

        void WorkerIsDone() => Interlocked.Decrement(ref working);

        void WatchWhileTheyWork()
        {
            while (Volatile.Read(ref working) > 0) watch();
        }

        void Guard(Action body, Action atEnd)
        {
            start.SignalAndWait();
            try
            {
                body();
            }
            catch (Exception exception)
            {
                failures.Enqueue(exception);
            }
            finally
            {
                atEnd();
            }
        }
    }

    private static Thread StartThread(ThreadStart body)
    {
        var thread = new Thread(body) { IsBackground = true };
        thread.Start();
        return thread;
    }
}
