namespace Allot.Benchmarks.Runner;

/// <summary>One side of a comparison.</summary>
internal sealed record Variant(string Name, Func<Sample> Measure);

/// <summary>Measures variants in turns.</summary>
internal static class Rounds
{
    /// <summary>Runs every variant once per round. Each round begins with another one, so that none is always the first
    /// after a pause.</summary>
    public static IReadOnlyList<Series> Run(int rounds, int warmUps, IReadOnlyList<Variant> variants)
    {
        Series[] series = [.. variants.Select(static variant => new Series(variant.Name))];
        for (int round = -warmUps; round < rounds; round++)
        {
            for (int turn = 0; turn < variants.Count; turn++)
            {
                int index = (turn + round + warmUps) % variants.Count;
                Sample sample = variants[index].Measure();
                if (round >= 0) series[index].Add(sample);
            }
        }

        return series;
    }
}
