using System.Globalization;
using System.Text;

namespace Allot.Bpf;

/// <summary>The lines that programs print: text with up to three numbers.</summary>
internal static class TraceFormat
{
    /// <summary>Fills in <c>%d %i %u %x %p %c</c> and <c>%%</c>, with <c>l</c> or <c>ll</c> for 64 bits; what else
    /// begins with a percent sign stays as it is.</summary>
    public static string Format(ReadOnlySpan<byte> format, ReadOnlySpan<ulong> numbers)
    {
        int end = format.IndexOf((byte)0);
        string text = Encoding.UTF8.GetString(end < 0 ? format : format[..end]);
        var line = new StringBuilder();
        int used = 0;
        for (int at = 0; at < text.Length; at++)
        {
            if (text[at] != '%' || at + 1 == text.Length)
            {
                line.Append(text[at]);
                continue;
            }

            int kind = at + 1;
            while (kind < text.Length && text[kind] == 'l') kind++;
            if (kind == text.Length || !"diuxpc%".Contains(text[kind]) || (text[kind] != '%' && used == numbers.Length))
            {
                line.Append('%');
                continue;
            }

            line.Append(text[kind] == '%' ? "%" : One(text[kind], isLong: kind > at + 1, numbers[used++]));
            at = kind;
        }

        return line.ToString().TrimEnd('\n');
    }

    private static string One(char kind, bool isLong, ulong number) => kind switch
    {
        'd' or 'i' => (isLong ? (long)number : (int)number).ToString(CultureInfo.InvariantCulture),
        'u' => (isLong ? number : (uint)number).ToString(CultureInfo.InvariantCulture),
        'x' => (isLong ? number : (uint)number).ToString("x", CultureInfo.InvariantCulture),
        'c' => ((char)(byte)number).ToString(),
        _ => "(pointer)",   // an address says nothing outside, and should not get there
    };
}
