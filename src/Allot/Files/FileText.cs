// How the files write and read: the kernel's formats.

using System.Globalization;
using System.Text;

namespace Allot;

internal static class FileText
{
    private const int QuotedLengthMax = 64;

    /// <summary>A number on a line.</summary>
    public static string Number(long number) => string.Create(CultureInfo.InvariantCulture, $"{number}\n");

    /// <summary>An amount on a line, where no limit is a word.</summary>
    public static string Limit(long bytes) => bytes == MemoryGroup.Unlimited ? "max\n" : Number(bytes);

    /// <summary>Lines of a key and a number.</summary>
    public static string Keyed(params ReadOnlySpan<(string Key, long Value)> lines)
    {
        var text = new StringBuilder();
        foreach ((string key, long value) in lines)
        {
            text.Append(key).Append(' ').Append(CultureInfo.InvariantCulture, $"{value}").Append('\n');
        }

        return text.ToString();
    }

    /// <summary>Reads an amount, or <c>max</c>.</summary>
    /// <returns>What is wrong with the text, to be read after "it"; null for nothing.</returns>
    public static string? ReadAmount(string text, out long bytes)
    {
        string trimmed = text.Trim();
        bytes = 0;
        return trimmed is ['0', >= '0' and <= '9', ..]
            ? "begins with a 0, which the kernel's files read as octal"   // and others do not: neither is guessed
            : MemorySize.FindProblem(trimmed, out bytes);
    }

    /// <summary>The text in quotes, safe to show: short, and without control characters.</summary>
    public static string Quote(string text)
    {
        var quoted = new StringBuilder("'");
        foreach (char character in text.AsSpan(0, Math.Min(text.Length, QuotedLengthMax)))
        {
            bool shows = !char.IsControl(character) && !char.IsSurrogate(character);
            if (character == '\n')
            {
                quoted.Append("\\n");
            }
            else if (shows)
            {
                quoted.Append(character);
            }
            else
            {
                quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
            }
        }

        if (text.Length > QuotedLengthMax) quoted.Append("...");
        return quoted.Append('\'').ToString();
    }
}
