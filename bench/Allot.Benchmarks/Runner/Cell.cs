using System.Globalization;

namespace Allot.Benchmarks.Runner;

/// <summary>Amounts as they stand in a table.</summary>
internal static class Cell
{
    public static string Nanoseconds(double nanoseconds) => nanoseconds.ToString("F1", CultureInfo.InvariantCulture);

    public static string FewNanoseconds(double nanoseconds) => nanoseconds.ToString("F2", CultureInfo.InvariantCulture);

    public static string Microseconds(double nanoseconds) =>
        (nanoseconds / 1e3).ToString("F2", CultureInfo.InvariantCulture);

    public static string Milliseconds(double nanoseconds) =>
        (nanoseconds / 1e6).ToString("F2", CultureInfo.InvariantCulture);

    public static string Mebibytes(double bytes) => (bytes / (1 << 20)).ToString("F1", CultureInfo.InvariantCulture);
}
