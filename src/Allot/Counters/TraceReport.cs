// What is reported to Trace. Listeners are foreign code: they run without our locks, and one that throws breaks
// nothing, least of all a thread of the pool or a timer.
//
// Where a lock has to be held around code that may report, the reports of this thread are held back, and made when the
// lock was left. So is what policies are told.

using System.Diagnostics;

namespace Allot;

internal static class TraceReport
{
    // How many scopes this thread is in.
    [ThreadStatic] private static int t_holds;
    [ThreadStatic] private static List<Action>? t_held;

    public static void Error(string what) => AfterLocks(() => Write(what));

    /// <summary>Runs foreign code now, or when the locks that are held around this were left.</summary>
    public static void AfterLocks(Action foreign)
    {
        if (t_holds > 0) (t_held ??= []).Add(foreign);
        else foreign();
    }

    private static void Write(string what)
    {
        try
        {
            Trace.TraceError($"Allot: {what}");
        }
        catch (Exception)
        {
            // A listener that throws has had its chance.
        }
    }

    /// <summary>What an exception says of itself, which is foreign code: some throw even then.</summary>
    public static string Describe(Exception thrown)
    {
        try
        {
            return thrown.ToString();
        }
        catch (Exception)
        {
            return $"{thrown.GetType()}, which cannot be described";
        }
    }

    /// <summary>Holds the reports of this thread back until <see cref="LetGo"/>. May be nested.</summary>
    public static void HoldBack() => t_holds++;

    /// <summary>Ends <see cref="HoldBack"/>, and makes the reports if it was the last. Called without locks.</summary>
    public static void LetGo()
    {
        Debug.Assert(t_holds > 0, "Who lets go has held back.");
        if (--t_holds > 0 || t_held is not { } held) return;
        t_held = null;   // a listener may charge, and be reported itself
        foreach (Action foreign in held) foreign();
    }
}
