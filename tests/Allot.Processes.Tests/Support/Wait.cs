using System.Diagnostics;

namespace Allot.Processes.Tests.Support;

/// <summary>Waiting for what another process does, where there is nothing to be told by.</summary>
internal static class Wait
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    public static void Until(Func<bool> condition)
    {
        long start = Stopwatch.GetTimestamp();
        using var pause = new ManualResetEventSlim();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < s_limit, "What the test waits for has not happened in 30 seconds.");
            pause.Wait(TimeSpan.FromMilliseconds(5));
        }
    }
}
