// Arguments are bytes, and the runtime hands them to Main as text: bytes that are no UTF-8 have become U+FFFD and
// cannot be told apart any more. When the command is what ends our own command line, as it is for a program like env or
// nice, its bytes are found there.

using System.Text;

namespace Allot.Processes.Launching;

/// <summary>The command's arguments as the command gets them.</summary>
internal static class CommandArguments
{
    private const char Replacement = '\uFFFD';

    /// <summary>The arguments in UTF-8; or, where they went through a replacement, as this process was given them.
    /// </summary>
    public static List<byte[]> BytesOf(IReadOnlyList<string> command) =>
        BytesOf(command, static () => File.ReadAllBytes("/proc/self/cmdline"));

    internal static List<byte[]> BytesOf(IReadOnlyList<string> command, Func<byte[]> readOwnCommandLine)
    {
        List<byte[]> arguments = [.. command.Select(Encoding.UTF8.GetBytes)];
        if (!command.Any(static argument => argument.Contains(Replacement))) return arguments;

        List<byte[]> own = Split(readOwnCommandLine());
        int first = own.Count - command.Count;
        if (first < 0) return arguments;
        for (int i = 0; i < command.Count; i++)
        {
            bool same = own[first + i].AsSpan().SequenceEqual(arguments[i]);
            if (!same && !MayHaveBecome(own[first + i], command[i])) return arguments;
        }

        return own[first..];
    }

    // How many replacements stand for some bytes depends on who decoded them: what is around them does not.
    private static bool MayHaveBecome(byte[] bytes, string argument) =>
        argument.Contains(Replacement)
        && Collapse(Encoding.UTF8.GetString(bytes)).Equals(Collapse(argument), StringComparison.Ordinal);

    private static string Collapse(string text)
    {
        var collapsed = new StringBuilder(text.Length);
        foreach (char c in text)
        {
            if (c != Replacement || collapsed.Length == 0 || collapsed[^1] != Replacement) collapsed.Append(c);
        }

        return collapsed.ToString();
    }

    private static List<byte[]> Split(byte[] zeroEnded)
    {
        var parts = new List<byte[]>();
        for (int start = 0; start < zeroEnded.Length;)
        {
            int length = zeroEnded.AsSpan(start).IndexOf((byte)0);
            if (length < 0) length = zeroEnded.Length - start;
            parts.Add(zeroEnded[start..(start + length)]);
            start += length + 1;
        }

        return parts;
    }
}
