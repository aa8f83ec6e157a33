// Where the open scopes of this thread were entered: only while the checks are on. Those of its flow know that
// themselves (FlowingScope.Entered).
//
// The open scopes come first in the list, the outermost first; what was left is dropped when the next one is noted.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Allot;

internal static class OpenScopes
{
    [ThreadStatic] private static List<(ulong Word, StackTrace Entered)>? t_open;

    /// <summary>A scope was entered by the caller.</summary>
    /// <remarks>Only this frame is left out of what is noted: in an optimized build the methods between the scope and
    /// whoever enters it are inlined, and to leave out more would leave out the place.</remarks>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Note(ulong outer, ulong mine)
    {
        List<(ulong Word, StackTrace Entered)> open = t_open ??= [];
        DropLeft(open, outer);
        open.Add((mine, new StackTrace(skipFrames: 1, fNeedFileInfo: true)));
    }

    /// <summary>Where the scope was entered that restricts this, be it one of the thread or of its flow; null when that
    /// is not known.</summary>
    public static StackTrace? FindSetter(AllocationRestrictions restriction) =>
        FindThreadSetter(restriction) ?? FlowingScope.Innermost?.FindSetter(restriction)?.Entered;

    private static StackTrace? FindThreadSetter(AllocationRestrictions restriction)
    {
        if (t_open is not { } open) return null;
        DropLeft(open, ThreadContext.Open);
        StackTrace? setter = null;
        for (int i = open.Count - 1; i >= 0 && ((AllocationRestrictions)open[i].Word & restriction) != 0; i--)
        {
            setter = open[i].Entered;
        }

        return setter;
    }

    public static string DescribeSetter(AllocationRestrictions restriction) =>
        FindSetter(restriction) is { } entered ? $"\nThe scope was entered here:\n{entered}" : "";

    public static string Describe(string what, ulong word)
    {
        foreach ((ulong noted, StackTrace entered) in t_open ?? [])
        {
            if (noted == word) return $"\n{what} was entered here:\n{entered}";
        }

        return "";
    }

    private static void DropLeft(List<(ulong Word, StackTrace Entered)> open, ulong innermost)
    {
        while (open.Count > 0 && ThreadContext.TokenOf(open[^1].Word) > ThreadContext.TokenOf(innermost))
        {
            open.RemoveAt(open.Count - 1);
        }
    }
}
