using System.Globalization;
using System.Text.RegularExpressions;

namespace Allot.Tests.Repository;

/// <summary>The library is for Windows too. What is different there is what meets the system: pages, blocks, stacks,
/// buffers and locks. Their tests pass as a Windows program, but for what is about Linux. Wine stands for
/// Windows.</summary>
public sealed partial class WindowsTests
{
    private const int PassedLeast = 350;

    private static readonly string[] s_portable =
    [
        "--filter-namespace", "Allot.Tests.Pages", "Allot.Tests.Slabs", "Allot.Tests.Stacks", "Allot.Tests.Buffers",
        "Allot.Tests.PinSources",
        "--filter-not-class", "*SampleTests",
        // Long under Wine, whose threads take their time to wake each other.
        "--filter-not-method", "*.Only_so_much_is_remembered_of_blocks_that_are_not_there_any_more",
    ];

    [Fact]
    public async Task What_is_not_about_Linux_passes_as_a_Windows_program()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Wine is used on Linux.");
        string? wine = WindowsProgram.FindWine();
        Assert.SkipWhen(wine is null, "This needs Wine (wine64).");
        await using var program = new WindowsProgram(wine!);
        await program.PublishAsync();

        string[] arguments = ["--no-progress", "--no-ansi", "--output", "Detailed", .. s_portable];
        (int? exitCode, string output) = await program.RunAsync(arguments);
        if (exitCode is null) (exitCode, output) = await program.RunAsync(arguments);
        Assert.SkipWhen(exitCode is null, "Wine has twice not come to an end: that says nothing of the library.");

        string[] told =
            [.. Failures().Matches(output).Select(static one => one.Value), output[^Math.Min(500, output.Length)..]];
        Assert.True(exitCode == 0, $"It has ended with {exitCode}.\n{string.Join('\n', told)}");
        Assert.Equal(0, Summed("failed"));
        Assert.InRange(Summed("succeeded"), PassedLeast, int.MaxValue);

        int Summed(string outcome) => Summary().Matches(output)
            .Where(match => match.Groups["outcome"].Value == outcome)
            .Select(match => int.Parse(match.Groups["count"].Value, CultureInfo.InvariantCulture))
            .Single();
    }

    [GeneratedRegex(@"^failed .*?(?=^(passed|skipped|Test run) )", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Failures();

    [GeneratedRegex(@"^  (?<outcome>\w+): (?<count>\d+)\s*$", RegexOptions.Multiline)]
    private static partial Regex Summary();
}
