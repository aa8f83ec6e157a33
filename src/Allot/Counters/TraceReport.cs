using System.Diagnostics;

namespace Allot;

/// <summary>What is reported to <see cref="Trace"/>. Listeners are foreign code: they run without our locks, and one
/// that throws breaks nothing, least of all a thread of the pool or a timer.</summary>
internal static class TraceReport
{
    public static void Error(string what)
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
}
