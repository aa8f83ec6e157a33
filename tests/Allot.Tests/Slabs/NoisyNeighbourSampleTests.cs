using System.Text.RegularExpressions;
using Allot.Tests.Repository;

namespace Allot.Tests.Slabs;

/// <summary>The tenant that makes directories or threads for ever, and its neighbour: the figures of the tables are
/// those that the limits give.</summary>
[Collection(SampleRun.Collection)]
public sealed partial class NoisyNeighbourSampleTests
{
    private const string Sample = "samples/NoisyNeighbour/bomb.cs";

    [Fact]
    public async Task With_a_limit_each_the_bomb_of_names_stops_and_the_neighbour_does_not_notice()
    {
        SampleRun run = await SampleRun.Of(Sample);
        Assert.True(run.ExitCode == 0, run.ToString());
        Assert.Equal(["names", "threads"], Heading().Matches(run.Output).Select(match => match.Groups[1].Value));
        Assert.Equal(["no limit", "host 8 MiB", "2 MiB each"], Cells(run, ""));

        // 2 MiB are 16,384 names of 128 bytes, and one is where the bomb has begun.
        string[] levels = Cells(run, "bomb: levels of x/x/x/...");
        Assert.Equal(("100000", "16383"), (levels[0], levels[2]));
        Assert.InRange(int.Parse(levels[1]), 60_000, 65_535);
        string[] bytes = Cells(run, "bomb: its kernel memory then");
        Assert.Equal(("12.3 MiB", "2 MiB"), (bytes[0], bytes[2]));

        // All that could be given back was, before the first refusal.
        Assert.Equal(["0", "1000", "1000"], Cells(run, "bomb: unused names given back"));
        Assert.Contains(
            "2 MiB each: after 16383 levels, with 1000 unused names given back: "
            + "Cannot charge 32 bytes to '/bomb' (kernel memory): '/bomb' holds 2097152 of its 2097152 bytes. "
            + "Largest holders: itself 2097152. Raise Kernel.MaxBytes on '/bomb', or release what it holds.",
            run.Output);
        string[] refused = Cells(run, "bomb: rounds refused");
        Assert.Equal(("0 of 100", "84 of 100"), (refused[0], refused[2]));

        AssertHurtByOneLimitOnly("neighbour: rounds refused", atLeast: 30);
        AssertHurtByOneLimitOnly("neighbour: unused names given back", atLeast: 500);
        string[] opened = Cells(run, "neighbour: files opened");
        Assert.Equal(("8000", "8000"), (opened[0], opened[2]));
        Assert.InRange(int.Parse(opened[1]), 0, 70 * 80);

        void AssertHurtByOneLimitOnly(string name, int atLeast)
        {
            int[] numbers = [.. Cells(run, name).Select(cell => int.Parse(cell.Split(" of ")[0]))];
            Assert.Equal((0, 0), (numbers[0], numbers[2]));
            Assert.InRange(numbers[1], atLeast, int.MaxValue);
        }
    }

    [Fact]
    public async Task What_the_removed_bomb_had_is_its_parents_and_goes_with_its_names()
    {
        SampleRun run = await SampleRun.Of(Sample, "names");
        Assert.True(run.ExitCode == 0, run.ToString());
        Assert.Contains("2 MiB each: '/bomb' removed; its 2097152 bytes belong to '/'", run.Output);
        MatchCollection removals = Removal().Matches(run.Output);
        Assert.Equal(3, removals.Count);
        Assert.All(
            removals.Cast<Match>(),
            removal => Assert.Equal(removal.Groups["before"].Value, removal.Groups["after"].Value));

        // What stays are slabs with names of the neighbour or of the host in them.
        (int Before, int After)[] slabs = [.. Slabs().Matches(run.Output).Select(
            match => (int.Parse(match.Groups["before"].Value), int.Parse(match.Groups["after"].Value)))];
        Assert.Equal(3, slabs.Length);
        Assert.All(slabs, counts => Assert.InRange(counts.After, 1, counts.Before - 1));
        Assert.Equal(3, Regex.Count(run.Output, "all names freed; '/' has 0 bytes; 0 slabs are left"));
    }

    [Fact]
    public async Task With_a_limit_each_the_bomb_of_threads_stops_and_the_neighbour_has_its_own()
    {
        SampleRun run = await SampleRun.Of(Sample, "threads");
        Assert.True(run.ExitCode == 0, run.ToString());
        int[] threads = [.. Cells(run, "bomb: threads").Select(cell => int.Parse(cell.Split(" of ")[0]))];
        Assert.Equal(64, threads[0]);

        // A stack of 256 KiB and its guard; the C library may hand out larger ones, which are charged as they are.
        Assert.InRange(threads[1], 8, 31);
        Assert.InRange(threads[2], 2, 7);
        Assert.Equal(["4 of 4", "0 of 4", "4 of 4"], Cells(run, "neighbour: threads"));
        Assert.Contains("bytes to '/bomb' (kernel memory): '/bomb' holds ", run.Output);
        Assert.Equal(3, Regex.Count(run.Output, "the threads have ended; '/' has 0 bytes"));
    }

    [Fact]
    public async Task Another_word_is_refused()
    {
        SampleRun run = await SampleRun.Of(Sample, "files");
        Assert.True(run.ExitCode == 64, run.ToString());
        Assert.Contains("usage:", run.Error);
    }

    // The three cells of the line of a table.
    private static string[] Cells(SampleRun run, string name)
    {
        string line = run.Output.ReplaceLineEndings("\n").Split('\n')
            .First(line => line.StartsWith($"{name,-38} ", StringComparison.Ordinal));
        return [.. line[38..].Chunk(14).Select(cell => new string(cell).Trim())];
    }

    [GeneratedRegex("^== (\\w+):", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex("belong to '/', which has (?<after>\\d+) as before: (?<before>\\d+)")]
    private static partial Regex Removal();

    [GeneratedRegex("of (?<before>\\d+) slabs (?<after>\\d+) are left")]
    private static partial Regex Slabs();
}
