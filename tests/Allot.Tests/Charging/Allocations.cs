namespace Allot.Tests;

/// <summary>Whether code allocates each time that it runs.</summary>
internal static class Allocations
{
    private const int LooksMax = 5;

    /// <summary>Fails when each run allocates. The code itself, and what the thread and the tree keep, do that once:
    /// also later, because while another test is in a reclaimer or a scope, charges look at what this thread has of
    /// those, and the first look allocates it.</summary>
    /// <returns>How often the code was run.</returns>
    public static int AssertNone(int rounds, Action body)
    {
        long allocated = 0;
        for (int look = 1; look <= LooksMax; look++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int round = 0; round < rounds; round++) body();
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            if (allocated == 0) return look * rounds;
        }

        Assert.Fail($"{rounds} rounds allocate {allocated} bytes, after {LooksMax - 1} times as many.");
        return 0;
    }
}
