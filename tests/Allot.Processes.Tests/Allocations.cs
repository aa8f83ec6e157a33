namespace Allot.Processes.Tests;

/// <summary>Proves that a piece of code, once warm, allocates nothing.</summary>
internal static class Allocations
{
    private const int Attempts = 10, Repeats = 10;

    /// <remarks>
    /// A collection that another thread starts can move this thread's count by some bytes, so one clean attempt is
    /// enough: code that allocates has none.
    /// </remarks>
    internal static void AssertNone(Action action)
    {
        for (int i = 0; i < Repeats; i++) action();
        long least = long.MaxValue;
        for (int attempt = 0; attempt < Attempts && least != 0; attempt++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < Repeats; i++) action();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        Assert.Equal(0, least);
    }
}
