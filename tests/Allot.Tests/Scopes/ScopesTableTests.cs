using System.Text.RegularExpressions;
using Allot.Tests.Repository;

namespace Allot.Tests.Scopes;

/// <summary>The table of scopes has all rows, names tests that exist, and every such test has a row.</summary>
public sealed partial class ScopesTableTests
{
    private const string Table = "docs/reference/scopes.md";
    private const int Rows = 39;

    [Fact]
    public void Every_row_is_there_once_and_in_order()
    {
        string[] rows = [.. Row().Matches(RepositoryFiles.Read(Table)).Select(match => match.Groups[1].Value)];
        Assert.Equal(Enumerable.Range(1, Rows).Select(row => $"B{row:D2}"), rows);
    }

    [Fact]
    public void Every_row_names_a_test_of_its_id_that_exists()
    {
        Dictionary<string, string> named = Named().Matches(RepositoryFiles.Read(Table))
            .ToDictionary(match => match.Groups[1].Value, match => match.Groups[2].Value);
        Assert.Equal(Enumerable.Range(1, Rows).Select(row => $"B{row:D2}"), named.Keys.Order());
        HashSet<string> tests = [.. Tests()];
        Assert.All(named, row =>
        {
            Assert.StartsWith(row.Key + "_", row.Value, StringComparison.Ordinal);
            Assert.Contains(row.Value, tests);
        });
    }

    // A row may also name the class of a test that goes further than the one of its id.
    [Fact]
    public void Every_class_of_tests_that_a_row_names_exists()
    {
        string[] named =
        [
            .. RepositoryFiles.Read(Table).Split('\n').Where(line => Row().IsMatch(line))
                .SelectMany(line => ClassName().Matches(line)).Select(match => match.Groups[1].Value),
        ];
        Assert.NotEmpty(named);
        HashSet<string> classes =
        [
            .. RepositoryFiles.With(".cs").Where(path => path.StartsWith("tests/", StringComparison.Ordinal))
                .Select(path => Path.GetFileNameWithoutExtension(path)),
        ];
        Assert.All(named, name => Assert.Contains(name, classes));
    }

    // A method without the attribute never runs.
    [Fact]
    public void Every_test_of_an_id_is_run() => Assert.All(Sources(), path =>
    {
        string text = RepositoryFiles.Read(path);
        Assert.Equal(Method().Count(text), Run().Count(text));
        Assert.DoesNotContain("Skip" + " =", text, StringComparison.Ordinal);
    });

    [Fact]
    public void Every_test_of_an_id_has_a_row() => Assert.All(Tests(), test =>
        Assert.InRange(int.Parse(test.AsSpan(1, 2), System.Globalization.CultureInfo.InvariantCulture), 1, Rows));

    [Fact]
    public void Every_flag_and_every_scope_is_described()
    {
        string text = RepositoryFiles.Read(Table);
        Assert.All(Enum.GetNames<AllocationFlags>().Except(["None"]), name =>
            Assert.Contains($"`{name}`", text, StringComparison.Ordinal));
        Assert.All(Enum.GetNames<AllocationRestrictions>().Except(["None"]), name =>
            Assert.Contains($"\n| `{name}` |", text, StringComparison.Ordinal));
    }

    private static IEnumerable<string> Sources() => RepositoryFiles.With(".cs")
        .Where(path => path.StartsWith("tests/Allot.Tests/Scopes/", StringComparison.Ordinal));

    private static IEnumerable<string> Tests() => Sources()
        .SelectMany(path => Method().Matches(RepositoryFiles.Read(path)))
        .Select(match => match.Groups[1].Value);

    [GeneratedRegex(@"^\| (B[0-9]{2}) \|.*\| `(B[A-Za-z0-9_]+)`", RegexOptions.Multiline)]
    private static partial Regex Named();

    [GeneratedRegex(@"^\| (B[0-9]{2}) \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"public (?:unsafe )?(?:async Task|void) (B[0-9]{2}_[A-Za-z0-9_]+)\(")]
    private static partial Regex Method();

    [GeneratedRegex(@"\[(?:Fact|Theory)[^\n]*\]\n(?:[ ]+\[[^\n]*\n|[ ]+[^\n]*\)\]\n)*[ ]+public (?:unsafe )?(?:async Task|void) B[0-9]{2}_")]
    private static partial Regex Run();

    [GeneratedRegex("`([A-Za-z]+Tests)`")]
    private static partial Regex ClassName();
}
