// Where the open scopes of this thread were entered: only while the checks are on.

using System.Diagnostics;

namespace Allot;

internal static class OpenScopes
{
    [ThreadStatic] private static List<(ulong Word, StackTrace Entered)>? t_open;

    /// <summary>A scope was entered by the caller's caller.</summary>
    public static void Note(ulong word)
    {
        List<(ulong Word, StackTrace Entered)> open = t_open ??= [];
        open.Add((word, new StackTrace(skipFrames: 2, fNeedFileInfo: false)));
    }

    public static string Describe(string what, ulong word)
    {
        foreach ((ulong noted, StackTrace entered) in t_open ?? [])
        {
            if (noted == word) return $"\n{what} was entered here:\n{entered}";
        }

        return "";
    }
}
