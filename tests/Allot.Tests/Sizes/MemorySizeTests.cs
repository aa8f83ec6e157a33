using System.Globalization;

namespace Allot.Tests;

public sealed class MemorySizeTests
{
    private const long Ki = 1L << 10;
    private const long Mi = 1L << 20;
    private const long Gi = 1L << 30;

    public static TheoryData<string, long> Sizes => new()
    {
        { "0", 0 },
        { "1", 1 },
        { "4096", 4096 },
        { "007", 7 },
        { "1.0", 1 },
        { " 8\n", 8 },
        { "\t8", 8 },
        { "max", MemoryGroup.Unlimited },
        { " max ", MemoryGroup.Unlimited },
        { "1K", Ki },
        { "64k", 64 * Ki },
        { "64M", 64 * Mi },
        { "64m", 64 * Mi },
        { "64MiB", 64 * Mi },
        { "64mib", 64 * Mi },
        { "1.5G", Gi + (Gi / 2) },
        { "1.5GiB", Gi + (Gi / 2) },
        { "0.5K", 512 },
        { "0K", 0 },
        { "0.000K", 0 },
        { "2T", 2L << 40 },
        { "3P", 3L << 50 },
        { "7E", 7L << 60 },
        { "7.5E", 15L << 59 },
        { "0.0009765625K", 1 },
        { "9223372036854775806", long.MaxValue - 1 },
        { "9007199254740993", 9007199254740993 },   // not a double
        { new string('0', 500) + "9", 9 },
    };

    public static TheoryData<string?, string> Junk => new()
    {
        { null, "is empty" },
        { "", "is empty" },
        { "  \t\n", "is empty" },
        { "-1", "is negative" },
        { " -64M", "is negative" },
        { "+5", "is not a size" },
        { "M", "is not a size" },
        { "iB", "is not a size" },
        { ".", "is not a size" },
        { ".5", "is not a size" },
        { ".5M", "is not a size" },
        { "1.", "is not a size" },
        { "1.M", "is not a size" },
        { "1..5M", "is not a size" },
        { "1.2.3M", "is not a size" },
        { "1,5G", "is not a size" },
        { "1_000", "is not a size" },
        { "64MB", "is not a size" },
        { "64B", "is not a size" },
        { "64Mi", "is not a size" },
        { "64MiBs", "is not a size" },
        { "64KK", "is not a size" },
        { "64 M", "is not a size" },
        { "6 4", "is not a size" },
        { "64Z", "is not a size" },
        { "1e3", "is not a size" },
        { "0x10", "is not a size" },
        { "MAX", "is not a size" },
        { "maximum", "is not a size" },
        { "unlimited", "is not a size" },
        { "NaN", "is not a size" },
        { "8\09", "is not a size" },
        { "٤", "is not a size" },               // Arabic-Indic digit four
        { "４K", "is not a size" },             // full-width digit
        { "1\u212A", "is not a size" },         // the Kelvin sign is no K
        { "1M\u0131B", "is not a size" },       // the dotless i is no i
        { "−1", "is not a size" },              // the minus sign of typography
        { "1.5", "is not a whole number of bytes" },
        { "0.3K", "is not a whole number of bytes" },
        { "0.0001K", "is not a whole number of bytes" },
        { "0.1234567890123456K", "has more than 15 decimals" },
        { "9223372036854775807", "is too large" },   // reads as no limit, so it cannot be a limit
        { "9223372036854775808", "is too large" },   // 2^63
        { "18446744073709551616", "is too large" },  // 2^64
        { "8E", "is too large" },                    // 2^63
        { "8.0E", "is too large" },
        { "8192P", "is too large" },
        { "16E", "is too large" },                   // 2^64
        { "9223372036854775807E", "is too large" },
        { "340282366920938463463374607431768211456", "is too large" },   // 2^128
        { new string('9', 10_000), "is too large" },
        { new string('9', 10_000) + "G", "is too large" },
    };

    [Theory, MemberData(nameof(Sizes))]
    public void Amounts_are_read_exactly(string text, long bytes)
    {
        Assert.Equal(bytes, MemorySize.Parse(text));
        Assert.True(MemorySize.TryParse(text, out long tried, out string? error));
        Assert.Equal(bytes, tried);
        Assert.Null(error);
    }

    [Theory, MemberData(nameof(Junk))]
    public void Anything_else_is_an_error_that_quotes_the_text_and_says_what_is_wrong(string? text, string problem)
    {
        Assert.False(MemorySize.TryParse(text, out long bytes, out string? error));
        Assert.Equal(0, bytes);
        Assert.Contains($"The size '{text}' {problem}.", error);
        Assert.Contains("64MiB", error);
    }

    [Theory, InlineData(""), InlineData("64MB"), InlineData("-1")]
    public void Parse_throws_what_TryParse_says(string text)
    {
        Assert.False(MemorySize.TryParse(text, out _, out string? error));
        Assert.Equal(error, Assert.Throws<FormatException>(() => MemorySize.Parse(text)).Message);
    }

    [Fact]
    public void Parse_of_null_is_the_mistake_of_the_caller() =>
        Assert.Throws<ArgumentNullException>(() => MemorySize.Parse(null!));

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1, "1 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(-5, "-5 B")]
    [InlineData(Ki, "1 KiB")]
    [InlineData(Ki + (Ki / 2), "1.5 KiB")]
    [InlineData(Mi - 1, "1 MiB")]              // never "1024 KiB"
    [InlineData(1023 * Ki, "1023 KiB")]
    [InlineData(64 * Mi, "64 MiB")]
    [InlineData(-64 * Mi, "-64 MiB")]
    [InlineData(1L << 62, "4 EiB")]
    [InlineData(long.MaxValue - 1, "8 EiB")]
    [InlineData(MemoryGroup.Unlimited, "max")]
    public void Amounts_are_written_in_the_largest_fitting_unit(long bytes, string text) =>
        Assert.Equal(text, MemorySize.Format(bytes));

    [Fact]
    public void What_was_written_without_rounding_reads_back()
    {
        for (long bytes = 0; bytes < Ki; bytes++) AssertReadsBack(bytes, $"{bytes} B");
        for (int unit = 1; unit <= 6; unit++)
        {
            // Halves are written exactly: 1, 1.5, 2.5, 7, 7.5 of each unit.
            foreach (long halves in (long[])[2, 3, 5, 14, 15]) AssertReadsBack(halves << ((10 * unit) - 1), null);
        }

        Assert.Equal(MemoryGroup.Unlimited, MemorySize.Parse(MemorySize.Format(MemoryGroup.Unlimited)));
    }

    private static void AssertReadsBack(long bytes, string? expected)
    {
        string written = MemorySize.Format(bytes);
        if (expected is not null) Assert.Equal(expected, written);
        string compact = written.Replace(" ", "", StringComparison.Ordinal);
        Assert.Equal(bytes, MemorySize.Parse(bytes < Ki ? compact.TrimEnd('B') : compact));
    }

    [Fact]
    public void Every_whole_multiple_of_a_unit_is_its_power_of_1024()
    {
        const string Units = "KMGTPE";
        for (int unit = 0; unit < Units.Length; unit++)
        {
            for (long count = 0; count < 8; count++)
            {
                string number = count.ToString(CultureInfo.InvariantCulture);
                Assert.Equal(count << (10 * (unit + 1)), MemorySize.Parse(number + Units[unit]));
            }
        }
    }
}
