using System.Text.RegularExpressions;
using Allot.Tests.Repository;

namespace Allot.Tests.Regressions;

/// <summary>The page of regressions names tests that exist, a test in each row or why there is none; and every test that
/// was written for it is there.</summary>
public sealed partial class RegressionTableTests
{
    private const string Page = "docs/reference/regressions.md";
    private const string Written = "tests/Allot.Tests/Regressions/";

    private static IReadOnlyList<string> Named => [.. NamedIn(RepositoryFiles.Read(Page))];

    [Fact]
    public void Every_test_that_the_page_names_exists()
    {
        HashSet<string> tests =
        [
            .. TestNames.In("tests/Allot.Tests/"),
            .. TestNames.In("tests/Allot.Model.Tests/"),
            .. TestNames.In("tests/Allot.Stress/"),
        ];
        Assert.True(Named.Count > 60, "The page is read wrongly.");
        Assert.All(Named, name => Assert.Contains(name, tests));
    }

    [Fact]
    public void Every_row_names_a_test_or_says_why_there_is_none()
    {
        string[] rows = [.. Row().Matches(RepositoryFiles.Read(Page)).Select(match => match.Groups["last"].Value)];
        Assert.True(rows.Length > 40, "The page is read wrongly.");
        Assert.All(rows, last => Assert.True(
            NamedIn(last).Any() || last.StartsWith("- ", StringComparison.Ordinal), $"No test and no reason: {last}"));
    }

    [Fact]
    public void Every_test_that_was_written_for_the_page_is_on_it()
    {
        string[] tests =
            [.. TestNames.In(Written).Where(test => !test.StartsWith(nameof(RegressionTableTests), StringComparison.Ordinal))];
        Assert.True(tests.Length > 20, "The tests are read wrongly.");
        Assert.All(tests, test => Assert.Contains(test, Named));
    }

    private static IEnumerable<string> NamedIn(string text) =>
        Name().Matches(text).Select(match => match.Groups["name"].Value);

    // In back quotes, a class of tests and a test of it.
    [GeneratedRegex(@"`(?<name>\w+Tests\.\w+)`")]
    private static partial Regex Name();

    // The last cell of a row of a table that is not its head.
    [GeneratedRegex(@"^\| (?!\S*---)(?!What went wrong).*\| (?<last>[^|]+) \|$", RegexOptions.Multiline)]
    private static partial Regex Row();
}
