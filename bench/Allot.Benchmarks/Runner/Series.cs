using System.Diagnostics;

namespace Allot.Benchmarks.Runner;

/// <summary>All samples of one variant, by round.</summary>
internal sealed class Series(string name)
{
    private readonly List<Sample> _samples = [];

    public string Name => name;

    public int Rounds => _samples.Count;

    public void Add(Sample sample) => _samples.Add(sample);

    /// <summary>The middle of a number over all rounds.</summary>
    public double Median(string number) => Quartiles.Of(_samples.Select(sample => sample[number])).Median;

    /// <summary>A number in a unit of its own.</summary>
    public Quartiles In(double unit, string number) => Quartiles.Of(_samples.Select(sample => sample[number] / unit));

    /// <summary>What a number is more than the same number of another variant: the differences within each
    /// round.</summary>
    public Quartiles MoreThan(Series baseline, string number)
    {
        Debug.Assert(baseline.Rounds == Rounds, "Variants take turns, so all have the same rounds.");
        return Quartiles.Of(_samples.Zip(baseline._samples, (own, other) => own[number] - other[number]));
    }

    /// <summary>A number relative to the same number of another variant: the ratios within each round.</summary>
    public Quartiles RatioTo(Series baseline, string number)
    {
        Debug.Assert(baseline.Rounds == Rounds, "Variants take turns, so all have the same rounds.");
        return Quartiles.Of(_samples.Zip(baseline._samples, (own, other) => own[number] / other[number]));
    }
}
