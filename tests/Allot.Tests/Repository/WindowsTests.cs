using System.Globalization;
using System.Text.RegularExpressions;

namespace Allot.Tests.Repository;

/// <summary>The library is for Windows too: what is in these tests and not about Linux passes there. Wine stands for
/// Windows.</summary>
public sealed partial class WindowsTests
{
    private const int PassedLeast = 2000;

    // What reads the repository, starts samples, or compares with the kernel of Linux at every step.
    private static readonly string[] s_notPortable =
    [
        "--filter-not-namespace", "Allot.Tests.Repository", "Allot.Tests.Maps.Kernel", "Allot.Tests.Maps.Oracle",
        "--filter-not-class", "*SampleTests", "*.ConformanceTableTests", "*.RegressionTableTests", "*.ScopesTableTests",
        // Long under Wine, whose threads take their time to wake each other.
        "--filter-not-method", "*.Eight_producers_and_a_consumer_that_waits_lose_nothing",
        "*.Only_so_much_is_remembered_of_blocks_that_are_not_there_any_more",
        "*.Numbers_are_right_while_threads_come_and_go",
        "*.A_charge_that_begins_after_Kill_has_returned_never_succeeds",
        // They charge without a pause: the runtime cannot always stop such a thread to collect (see RunAsync).
        "*.WaitingLineTests.*",
        // Fills a map as large as it is from one processor, and Wine does not let a thread stay on one.
        "*.LruHashMapTests.Batches_go_bucket_by_bucket",
    ];

    [Fact]
    public async Task What_is_not_about_Linux_passes_as_a_Windows_program()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Wine is used on Linux.");
        string? wine = WindowsProgram.FindWine();
        Assert.SkipWhen(wine is null, "This needs Wine (wine64).");
        await using var program = new WindowsProgram(wine!);
        await program.PublishAsync();

        string[] arguments = ["--no-progress", "--no-ansi", "--output", "Detailed", .. s_notPortable];
        (int? exitCode, string output) = await program.RunAsync(arguments);
        if (exitCode is null) (exitCode, output) = await program.RunAsync(arguments);

        var told = output.Split('\n').Where(line => !line.StartsWith("passed ", StringComparison.Ordinal)).TakeLast(200);
        Assert.True(exitCode == 0, $"It has ended with {exitCode}.\n{string.Join('\n', told)}");
        Assert.Equal(0, Summed("failed"));
        Assert.InRange(Summed("succeeded"), PassedLeast, int.MaxValue);

        int Summed(string outcome) => Summary().Matches(output)
            .Where(match => match.Groups["outcome"].Value == outcome)
            .Select(match => int.Parse(match.Groups["count"].Value, CultureInfo.InvariantCulture))
            .Single();
    }

    [GeneratedRegex(@"^  (?<outcome>\w+): (?<count>\d+)\s*$", RegexOptions.Multiline)]
    private static partial Regex Summary();
}
