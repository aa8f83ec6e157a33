// Sizes as people write them. Strict on purpose: a limit that was misread is worse than an error.

using System.Buffers;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Allot;

/// <summary>Reads and writes amounts of memory: <c>4096</c>, <c>64M</c>, <c>64MiB</c>, <c>1.5G</c>,
/// <c>max</c>.</summary>
public static class MemorySize
{
    /// <summary>What <c>max</c> reads as; to the outside it is <see cref="MemoryGroup.Unlimited"/>.</summary>
    internal const long Unlimited = long.MaxValue;

    private const string Units = "KMGTPE";
    private const int MaxFractionDigits = 15;

    private static readonly SearchValues<char> s_numberCharacters = SearchValues.Create("0123456789.");

    /// <summary>Reads an amount.</summary>
    /// <param name="text">A whole number of bytes; or a number, which may have decimals, with one of the units K, M, G,
    /// T, P and E, alone or with <c>iB</c>, in either case: powers of 1024, as the kernel's files read them; or
    /// <c>max</c>. White space around it is ignored.</param>
    /// <returns>Bytes; <see cref="MemoryGroup.Unlimited"/> for <c>max</c>.</returns>
    /// <exception cref="FormatException">Anything else; the message quotes the text and says what is wrong.</exception>
    public static long Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return TryParse(text, out long bytes, out string? error) ? bytes : throw new FormatException(error);
    }

    /// <summary>Reads an amount, as <see cref="Parse"/> does.</summary>
    /// <param name="text">The text; null is an error like the empty text.</param>
    /// <param name="bytes">The bytes, or 0 on failure.</param>
    /// <param name="error">On failure: what is wrong, with the text quoted. Otherwise null.</param>
    /// <returns>Whether the text is an amount.</returns>
    public static bool TryParse(string? text, out long bytes, [NotNullWhen(false)] out string? error)
    {
        string? problem = FindProblem(text?.Trim() ?? "", out bytes);
        error = null;
        if (problem is null) return true;

        error = $"The size '{text}' {problem}. "
            + "Write bytes (4096), a number with K, M, G, T, P or E (64M, 64MiB, 1.5G), or max.";
        return false;
    }

    /// <summary>Writes an amount for people: the largest unit that keeps it at 1 or above, with one decimal if
    /// needed.</summary>
    /// <param name="bytes">Any amount; <see cref="MemoryGroup.Unlimited"/> is written <c>max</c>.</param>
    public static string Format(long bytes)
    {
        if (bytes == Unlimited) return "max";
        double value = bytes;
        int unit = -1;
        while (Math.Round(Math.Abs(value), 1) >= 1024 && unit < Units.Length - 1)
        {
            value /= 1024;
            unit++;
        }

        return unit < 0
            ? string.Create(CultureInfo.InvariantCulture, $"{bytes} B")
            : string.Create(CultureInfo.InvariantCulture, $"{value:0.#} {Units[unit]}iB");
    }

    /// <summary>Reads an amount without white space around it.</summary>
    /// <returns>What is wrong, to be read after the text; null for nothing.</returns>
    internal static string? FindProblem(string trimmed, out long bytes)
    {
        bytes = 0;
        string? problem = trimmed switch
        {
            "" => "is empty",
            "max" => null,
            ['-', ..] => "is negative",
            _ => ParseNumber(trimmed, out bytes),
        };
        if (trimmed == "max") bytes = Unlimited;
        Debug.Assert(problem is null || bytes == 0, "What is not an amount is nothing.");
        return problem;
    }

    // Exact integer arithmetic: with at most 15 decimals and a unit of at most 2^60 nothing here reaches 128 bits.
    private static string? ParseNumber(string text, out long bytes)
    {
        bytes = 0;
        int end = text.AsSpan().IndexOfAnyExcept(s_numberCharacters);
        ReadOnlySpan<char> number = end < 0 ? text : text.AsSpan(0, end);
        if (UnitBytes(text.AsSpan(number.Length)) is not { } unitBytes) return "is not a size";

        int point = number.IndexOf('.');
        ReadOnlySpan<char> whole = point < 0 ? number : number[..point];
        ReadOnlySpan<char> fraction = point < 0 ? default : number[(point + 1)..];
        if (whole.IsEmpty || (point >= 0 && fraction.IsEmpty) || fraction.Contains('.')) return "is not a size";
        if (fraction.Length > MaxFractionDigits) return $"has more than {MaxFractionDigits} decimals";

        if (whole.TrimStart('0').Length > 19) return "is too large";
        UInt128 scale = 1;
        UInt128 digits = UInt128.Parse(whole, NumberStyles.None, CultureInfo.InvariantCulture);
        if (digits > long.MaxValue) return "is too large";
        foreach (char digit in fraction)
        {
            scale *= 10;
            digits = (digits * 10) + (uint)(digit - '0');
        }

        // digits < 2^63 * 10^15 < 2^113: multiply only when the product stays below 2^128.
        if (digits / scale > (UInt128)long.MaxValue / unitBytes) return "is too large";
        UInt128 wholeUnits = digits / scale;
        UInt128 rest = (digits % scale) * unitBytes;
        if (rest % scale != 0) return "is not a whole number of bytes";
        UInt128 total = (wholeUnits * unitBytes) + (rest / scale);
        if (total >= long.MaxValue) return "is too large";
        bytes = (long)total;
        return null;
    }

    private static ulong? UnitBytes(ReadOnlySpan<char> suffix)
    {
        if (suffix.IsEmpty) return 1;
        int unit = Units.IndexOf(char.ToUpperInvariant(suffix[0]), StringComparison.Ordinal);
        bool tailIsKnown = suffix[1..] is "" || suffix[1..].Equals("iB", StringComparison.OrdinalIgnoreCase);
        return unit >= 0 && tailIsKnown ? 1UL << (10 * (unit + 1)) : null;
    }
}
