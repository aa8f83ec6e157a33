using System.Text.RegularExpressions;
using Allot.Tests.Repository;

namespace Allot.Tests.Scopes;

/// <summary>The storage engine whose eviction needs the lock that allocating code holds: each way to run it ends as
/// its first lines say.</summary>
[Collection(SampleRun.Collection)]
public sealed partial class StorageSampleTests
{
    private const string Sample = "samples/storage/engine.cs";

    [Fact]
    public async Task Without_a_scope_it_hangs_and_tells_who_waits_for_whom()
    {
        SampleRun run = await SampleRun.Of(Sample, "without");
        Assert.True(run.ExitCode == 2, run.ToString());
        Assert.Contains(
            "  worker waits in Reclaim for 'file', which checkpointer has taken in Checkpoint", run.Output);
        Assert.Matches(
            "  checkpointer waits in (ListDirty|CopyAndClean) for 'pages', which worker has taken in TryUpdate",
            run.Output);
        Assert.DoesNotContain("the check has found", run.Output);
    }

    [Fact]
    public async Task The_check_finds_it_with_both_places_although_nothing_hangs()
    {
        SampleRun run = await SampleRun.Of(Sample, "checked");
        Assert.True(run.ExitCode == 3, run.ToString());
        AssertFinished(run.Output);
        string[] found = run.Output.Split("the check has found:")[1..];
        Assert.Equal(2, found.Length);
        AssertPlaces(found[0], "The lock 'pages' is taken by a reclaimer, and it is held where");

        // What hangs without the scope, word for word: the checkpointer has 'file' and waits for 'pages'.
        AssertPlaces(found[1], "The lock 'file' is taken by a reclaimer, 'pages' is waited for where 'file' is held");
        Assert.Contains("at Engine.ListDirty(", found[1].Split("A reclaimer takes it here:")[0]);

        static void AssertPlaces(string report, string what)
        {
            string[] places = report.Split("May allocate here:");
            Assert.Contains(what, places[0]);
            Assert.Contains("at Engine.Reclaim(", places[0].Split("A reclaimer takes it here:")[1]);
            Assert.Contains("at Engine.Load(", places[1]);
            Assert.DoesNotContain("at Engine.Reclaim(", places[1]);
        }
    }

    [Fact]
    public async Task With_a_lock_that_carries_the_scope_the_same_work_finishes()
    {
        SampleRun run = await SampleRun.Of(Sample, "with");
        Assert.True(run.ExitCode == 0, run.ToString());
        AssertFinished(run.Output);
        Assert.Contains("the checks have found nothing", run.Output);
    }

    [Fact]
    public async Task All_three_are_run_when_none_is_named()
    {
        SampleRun run = await SampleRun.Of(Sample);
        Assert.True(run.ExitCode == 0, run.ToString());
        Assert.Equal(["without", "checked", "with"], Heading().Matches(run.Output).Select(m => m.Groups[1].Value));
    }

    [Fact]
    public async Task Another_word_is_refused()
    {
        SampleRun run = await SampleRun.Of(Sample, "sometimes");
        Assert.True(run.ExitCode == 64, run.ToString());
        Assert.Contains("usage:", run.Error);
    }

    // More was evicted than fits, so the limit was met; and it has held.
    private static void AssertFinished(string output)
    {
        Assert.Contains("4000 updates done, 4000 of them are in the file", output);
        Match figures = Figures().Match(output);
        Assert.True(figures.Success, output);
        int read = int.Parse(figures.Groups["read"].Value), evicted = int.Parse(figures.Groups["evicted"].Value);
        int charged = int.Parse(figures.Groups["charged"].Value), peak = int.Parse(figures.Groups["peak"].Value);
        Assert.InRange(evicted, 1_000, read);
        Assert.InRange(read - evicted, 0, 64);
        Assert.Equal(read * 4, charged);
        Assert.InRange(peak, 4, 256);
    }

    [GeneratedRegex("the check has found:")]
    private static partial Regex Report();

    [GeneratedRegex("^== (\\w+):", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(
        "pages read (?<read>\\d+), evicted (?<evicted>\\d+), refused under the lock \\d+\\s+"
        + "charged (?<charged>\\d+) KiB in all, at most (?<peak>\\d+) KiB at a time, limit 256 KiB")]
    private static partial Regex Figures();
}
