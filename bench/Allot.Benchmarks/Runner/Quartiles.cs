using System.Globalization;

namespace Allot.Benchmarks.Runner;

/// <summary>The middle of some values, and the range that holds the middle half of them.</summary>
internal readonly record struct Quartiles(double Low, double Median, double High)
{
    public static Quartiles Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return new Quartiles(At(sorted, 0.25), At(sorted, 0.5), At(sorted, 0.75));
    }

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Median:F3} ({Low:F3} to {High:F3})");

    // Between the two nearest values, in proportion.
    private static double At(double[] sorted, double share)
    {
        double position = (sorted.Length - 1) * share;
        int below = (int)position;
        int above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + ((sorted[above] - sorted[below]) * (position - below));
    }
}
