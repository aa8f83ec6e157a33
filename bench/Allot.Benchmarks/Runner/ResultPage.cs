// One page of bench/results: what was compared, on which machine, the tables, and whether the goals were met.

using System.Globalization;
using System.Text;

namespace Allot.Benchmarks.Runner;

/// <summary>The results of one benchmark.</summary>
internal sealed class ResultPage(Benchmark benchmark, string machine)
{
    private readonly StringBuilder _tables = new();
    private readonly StringBuilder _goals = new();

    /// <summary>Whether every goal stated so far was met.</summary>
    public bool MeetsGoals { get; private set; } = true;

    /// <summary>Adds a table: a heading, the names of the columns, and rows of cells.</summary>
    public void AddTable(string heading, IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        _tables.Append("## ").AppendLine(heading).AppendLine();
        AppendRow(columns);
        AppendRow([.. columns.Select(static (_, i) => i == 0 ? "---" : "---:")]);
        foreach (IReadOnlyList<string> row in rows) AppendRow(row);
        _tables.AppendLine();
    }

    /// <summary>States a goal for a ratio, and whether its median is at most the limit.</summary>
    public void AddGoal(string what, Quartiles ratio, double limit)
    {
        bool met = ratio.Median <= limit;
        MeetsGoals &= met;
        _goals.Append(CultureInfo.InvariantCulture, $"- {what}: at most {limit:F2}, measured {ratio}: ")
            .AppendLine(met ? "**met**" : "**missed**");
    }

    public string ToMarkdown(string load)
    {
        var text = new StringBuilder();
        text.Append("# ").AppendLine(benchmark.Title).AppendLine();
        text.AppendLine(machine).AppendLine();
        text.AppendLine(benchmark.Method).AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture, $"""
            Ratios are medians over rounds of the ratio within a round, with the range of the middle half; other numbers are
            medians over rounds. {benchmark.WarmUp}
            Load of the machine at the end: {load}.
            Again: `dotnet run -c Release --project bench/Allot.Benchmarks -- {benchmark.Name} --write`
            """).AppendLine();
        text.Append(_tables);
        if (_goals.Length > 0) text.AppendLine("## Goals").AppendLine().Append(_goals);
        return text.ToString().TrimEnd() + "\n";
    }

    private void AppendRow(IReadOnlyList<string> cells) => _tables.Append("| ").AppendJoin(" | ", cells).AppendLine(" |");
}
