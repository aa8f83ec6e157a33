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
    public void Every_row_with_a_test_names_one_of_its_id() =>
        Assert.All(Named().Matches(RepositoryFiles.Read(Table)), match =>
            Assert.StartsWith(match.Groups[1].Value + "_", match.Groups[2].Value, StringComparison.Ordinal));

    [Fact]
    public void Every_id_that_has_a_test_is_in_the_table()
    {
        HashSet<string> rows = [.. Row().Matches(RepositoryFiles.Read(Table)).Select(match => match.Groups[1].Value)];
        Assert.All(Tests().Select(test => test.Split('_')[0]), id => Assert.Contains(id, rows));
    }

    private static IEnumerable<string> Tests() => RepositoryFiles.With(".cs")
        .Where(path => path.StartsWith("tests/Allot.Tests/", StringComparison.Ordinal))
        .SelectMany(path => Method().Matches(RepositoryFiles.Read(path)))
        .Select(match => match.Groups[1].Value);

    [GeneratedRegex(@"^\| ([KMX][0-9]+[a-z]?) \|.*\| `([KMX][A-Za-z0-9_]+)`", RegexOptions.Multiline)]
    private static partial Regex Named();

    [GeneratedRegex(@"^\| ([KMX][0-9]+[a-z]?) \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"public (?:async Task|void) ([KMX][0-9]+[a-z]?_[A-Za-z0-9_]+)\(")]
    private static partial Regex Method();
}
