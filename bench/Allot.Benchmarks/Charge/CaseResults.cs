using Allot.Benchmarks.Runner;

namespace Allot.Benchmarks.Charge;

/// <summary>Cases that were measured in the same rounds, and what is said of them.</summary>
internal sealed class CaseResults
{
    private readonly Dictionary<Case, Series> _series;

    private CaseResults(Dictionary<Case, Series> series) => _series = series;

    /// <summary>Measures those that are possible.</summary>
    public static CaseResults Of(Workbench bench, int rounds, IEnumerable<Case> cases)
    {
        Case[] possible = [.. cases.Where(one => one.IsPossible && one.Threads <= bench.Threads.Count).Distinct()];
        CaseTree[] trees = [.. possible.Select(one => new CaseTree(bench.Threads, one))];
        IReadOnlyList<Series> series = bench.InProcess.Compare(rounds, [.. trees.Select(tree => tree.Work)]);
        foreach (CaseTree tree in trees) tree.GiveBack();
        return new CaseResults(possible.Zip(series).ToDictionary(static one => one.First, static one => one.Second));
    }

    public bool Has(Case one) => _series.ContainsKey(one);

    public string Time(Case one) => _series.TryGetValue(one, out Series? series)
        ? Cell.FewNanoseconds(series.Median(InProcess.Number))
        : "";

    /// <summary>Null when one of them was not measured.</summary>
    public Quartiles? Ratio(Case one, Case baseline) =>
        _series.TryGetValue(one, out Series? own) && _series.TryGetValue(baseline, out Series? other)
            ? own.RatioTo(other, InProcess.Number)
            : null;

    public string RatioCell(Case one, Case baseline) => one == baseline ? "1" : Ratio(one, baseline)?.ToString() ?? "";

    public void AddGoal(ResultPage page, string what, Case one, Case baseline, double limit)
    {
        if (Ratio(one, baseline) is { } ratio) page.AddGoal($"{one.Subject.Name}: {what}", ratio, limit);
    }
}
