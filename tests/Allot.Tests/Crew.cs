namespace Allot.Tests;

/// <summary>Threads that do the same work, each with its number. The first failure of any of them is thrown.</summary>
internal static class Crew
{
    public static void Run(int threads, Action<int> work)
    {
        Exception? failure = null;
        var all = Enumerable.Range(0, threads)
            .Select(number => new Thread(() =>
            {
                try
                {
                    work(number);
                }
                catch (Exception e)
                {
                    Interlocked.CompareExchange(ref failure, e, null);
                }
            }))
            .ToList();
        all.ForEach(thread => thread.Start());
        all.ForEach(thread => thread.Join());
        Assert.Null(failure);
    }
}
