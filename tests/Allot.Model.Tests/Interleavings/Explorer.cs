namespace Allot.Model.Tests.Interleavings;

/// <summary>Visits every state that any interleaving of a scenario's actors can reach.</summary>
/// <remarks>A state is reached by replaying its schedule from the start; two schedules that lead to equal keys are
/// continued once.</remarks>
internal sealed record Explorer(int States, string? Violation)
{
    private const int StatesMax = 2_000_000;

    public static Explorer Explore(Action<Run> scenario)
    {
        var seen = new HashSet<string>();
        var pending = new Stack<int[]>([[]]);
        while (pending.TryPop(out int[]? schedule))
        {
            Run run = Replay(scenario, schedule);
            if (run.Violation is not null) return Found(run, schedule);
            if (!seen.Add(run.Key())) continue;
            if (seen.Count > StatesMax) throw new InvalidOperationException("The scenario is too large to exhaust.");

            int[] enabled = [.. run.Enabled()];
            foreach (int actor in enabled) pending.Push([.. schedule, actor]);
            if (enabled.Length > 0) continue;

            run.Finish();
            if (run.Violation is not null) return Found(run, schedule);
        }

        return new Explorer(seen.Count, null);

        Explorer Found(Run run, int[] schedule) =>
            new(seen.Count, $"Broken: {run.Violation}. Schedule: {run.Describe(schedule)}");
    }

    private static Run Replay(Action<Run> scenario, int[] schedule)
    {
        var run = new Run();
        scenario(run);
        foreach (int actor in schedule) run.Step(actor);
        return run;
    }
}
