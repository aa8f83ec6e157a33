namespace Allot.Cli.Bpf;

/// <summary>Bytes as people and test suites write them.</summary>
internal static class HexBytes
{
    /// <summary>The bytes of text such as <c>0a 1b</c> or <c>0a1b</c>, with any white space; null if it is anything
    /// else.</summary>
    public static byte[]? TryParse(string text)
    {
        string digits = string.Concat(text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        if (digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase)) digits = digits[2..];
        if (digits.Length % 2 != 0 || !digits.All(char.IsAsciiHexDigit)) return null;
        return Convert.FromHexString(digits);
    }

    /// <summary>Bytes as they are read: <c>0a 1b</c>.</summary>
    public static string Format(ReadOnlySpan<byte> bytes) =>
        string.Join(' ', Convert.ToHexStringLower(bytes).Chunk(2).Select(static pair => new string(pair)));
}
