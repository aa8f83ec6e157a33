// The mark that this thread runs a policy, an observer or a kill callback. A charge that one of these makes asks no
// policy: there is no out-of-memory decision inside another one. Which of the thread's scopes hold: see ForeignScope.

using System.Diagnostics;

namespace Allot;

internal static class OutOfMemoryScope
{
    [ThreadStatic] private static int t_depth;

    public static bool IsInside => t_depth > 0;

    /// <summary>Runs foreign code in the scope.</summary>
    /// <returns>What it threw; null when it did not.</returns>
    public static Exception? Run(Action foreign)
    {
        t_depth++;
        try
        {
            using ForeignScope scope = ForeignScope.Enter();
            foreign();
            return null;
        }
        catch (Exception exception)
        {
            return exception;
        }
        finally
        {
            Debug.Assert(IsInside, "Who leaves has entered.");
            t_depth--;
        }
    }

    /// <summary>Reports what is contained.</summary>
    public static void Report(string what) => TraceReport.Error($"{what} It was contained.");
}
