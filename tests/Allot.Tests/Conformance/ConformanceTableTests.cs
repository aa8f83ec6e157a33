using System.Text.RegularExpressions;
using Allot.Tests.Repository;

namespace Allot.Tests.Conformance;

/// <summary>The table of conformance names tests that exist, and every such test is in the table.</summary>
public sealed partial class ConformanceTableTests
{
    private const string Table = "docs/reference/conformance.md";

    [Fact]
    public void Every_test_that_the_table_names_exists()
    {
        HashSet<string> tests = [.. Tests()];
        string[] named = [.. Named().Matches(RepositoryFiles.Read(Table)).Select(match => match.Groups[2].Value)];
        Assert.True(named.Length > 25, "The table is read wrongly.");
        Assert.All(named, name => Assert.Contains(name, tests));
    }

    [Fact]
    public void Every_row_with_a_test_names_one_of_its_id()
    {
        MatchCollection named = Named().Matches(RepositoryFiles.Read(Table));
        Assert.NotEmpty(named);
        Assert.All(named, match =>
            Assert.StartsWith(match.Groups[1].Value + "_", match.Groups[2].Value, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_id_that_has_a_test_is_in_the_table()
    {
        HashSet<string> rows = [.. Row().Matches(RepositoryFiles.Read(Table)).Select(match => match.Groups[1].Value)];
        string[] ids = [.. Tests().Select(test => test.Split('_')[0])];
        Assert.NotEmpty(ids);
        Assert.All(ids, id => Assert.Contains(id, rows));
    }

    [Fact]
    public void Every_row_of_pins_is_there_in_order_with_a_test_or_the_reason_why_not()
    {
        Match[] rows = [.. PinRow().Matches(RepositoryFiles.Read(Table)).Cast<Match>()];
        Assert.Equal(
            Enumerable.Range(1, 34).Select(i => $"A{i:D2}").Concat(Enumerable.Range(1, 19).Select(i => $"R{i:D2}")),
            rows.Select(row => row.Groups[1].Value));
        Assert.All(rows, row => Assert.Matches("^(`|- .{10})", row.Groups[2].Value));
    }

    // Those that are named after a row.
    private static IEnumerable<string> Tests() => TestNames.In("tests/Allot.Tests/")
        .Select(test => test.Split('.')[1])
        .Where(name => Id().IsMatch(name));

    [GeneratedRegex(@"^\| ([AKMRX][0-9]+[a-z]?) \|.*\| `([AKMRX][A-Za-z0-9_]+)`", RegexOptions.Multiline)]
    private static partial Regex Named();

    [GeneratedRegex(@"^\| ([AKMRX][0-9]+[a-z]?) \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"^\| ([AR][0-9]{2}) \|.*\| ([^|]+) \|$", RegexOptions.Multiline)]
    private static partial Regex PinRow();

    [GeneratedRegex("^[AKMRX][0-9]+[a-z]?_")]
    private static partial Regex Id();
}
