using System.Text.RegularExpressions;

namespace Allot.Tests.Repository;

/// <summary>The rules of taste that a machine can hold: each as a function from a file to its violations, with an
/// example that must be found.</summary>
public sealed partial class TidyTests
{
    private const int ColumnsMax = 120;

    private static readonly string[] s_textFiles =
        [".cs", ".md", ".csproj", ".props", ".targets", ".slnx", ".json", ".txt", ".yml", ".editorconfig"];

    // Written in pieces, so that this file does not mention them.
    private static readonly string[] s_placesOfOneMachine =
    [
        "/" + "work/", "/tmp/" + "wt", "/ro" + "ot/",
        "nuget" + ".org", "npmjs" + ".com", "pypi" + ".org", "docker" + ".io",
    ];

    // What is shipped. A row of a test's table may be as wide as its data.
    [Fact]
    public void Lines_of_code_fit_the_screen() =>
        AssertNone(RepositoryFiles.With(".cs").Where(IsProduct), text => LongLines(text));

    [Fact]
    public void A_long_line_is_found() => Assert.Single(LongLines("short\n" + new string('x', ColumnsMax + 1)));

    private static bool IsProduct(string path) => path.StartsWith("src/", StringComparison.Ordinal);

    [Fact]
    public void No_file_has_tabs() =>
        AssertNone(RepositoryFiles.With(s_textFiles), text => Tabs(text));

    [Fact]
    public void A_tab_is_found() => Assert.Single(Tabs("a\n\tb"));

    [Fact]
    public void Every_todo_has_an_issue() =>
        AssertNone(RepositoryFiles.With(".cs", ".md"), text => BareTodos(text));

    [Fact]
    public void A_todo_without_an_issue_is_found()
    {
        Assert.Single(BareTodos("// TO" + "DO later"));
        Assert.Empty(BareTodos("// TO" + "DO(#12): later"));
    }

    [Fact]
    public void No_xml_doc_tag_is_empty() =>
        AssertNone(RepositoryFiles.With(".cs"), text => EmptyDocTags(text));

    [Theory]
    [InlineData("/// <summary></summary>")]
    [InlineData("/// <summary>\n    ///\n    /// </summary>")]
    [InlineData("/// <param name=\"x\"> </param>")]
    [InlineData("/// <exception cref=\"Y\"/>")]
    [InlineData("/// <returns />")]
    public void An_empty_xml_doc_tag_is_found(string text) => Assert.Single(EmptyDocTags(text));

    [Fact]
    public void A_source_file_has_at_most_one_public_type() => AssertNone(
        RepositoryFiles.With(".cs").Where(path => path.StartsWith("src/", StringComparison.Ordinal)),
        text => CSharpText.PublicTypes(text).Skip(1).Select(type => $"another public type: {type}"));

    [Fact]
    public void A_second_public_type_is_found()
    {
        const string Source =
            "public sealed class A { }\ninternal class B { }\npublic readonly record struct C(int D);";
        Assert.Equal(["A", "C"], CSharpText.PublicTypes(Source));
    }

    [Fact]
    public void Nothing_names_a_place_of_one_machine() =>
        AssertNone(RepositoryFiles.With(s_textFiles), text => PlacesOfOneMachine(text));

    [Fact]
    public void A_place_of_one_machine_is_found()
    {
        Assert.All(s_placesOfOneMachine, place => Assert.Single(PlacesOfOneMachine($"see {place}x")));
        Assert.Empty(PlacesOfOneMachine("net" + s_placesOfOneMachine[0]));
    }

    private static IEnumerable<string> LongLines(string text) =>
        Lines(text).Where(line => line.Text.Length > ColumnsMax).Select(line => $"line {line.Number} is too long");

    private static IEnumerable<string> Tabs(string text) =>
        Lines(text).Where(line => line.Text.Contains('\t')).Select(line => $"line {line.Number} has a tab");

    private static IEnumerable<string> BareTodos(string text) =>
        Lines(text).Where(line => BareTodo().IsMatch(line.Text)).Select(line => $"line {line.Number}: whose issue?");

    private static IEnumerable<string> EmptyDocTags(string text) =>
        EmptyDocTag().Matches(string.Join('\n', text.Split('\n').Where(line => line.TrimStart().StartsWith("///"))))
            .Select(match => $"empty tag: {match.Value.Trim()}");

    private static IEnumerable<string> PlacesOfOneMachine(string text) =>
        from line in Lines(text)
        from place in s_placesOfOneMachine
        where Regex.IsMatch(line.Text, (place[0] == '/' ? @"(?<![\w.~-])" : "") + Regex.Escape(place))
        select $"line {line.Number} names {place}";

    private static IEnumerable<(int Number, string Text)> Lines(string text) =>
        text.Split('\n').Select((line, index) => (index + 1, line));

    private static void AssertNone(IEnumerable<string> paths, Func<string, IEnumerable<string>> rule)
    {
        string[] all = [.. paths];
        Assert.NotEmpty(all);
        string[] found =
            [.. from path in all from violation in rule(RepositoryFiles.Read(path)) select $"{path}: {violation}"];
        Assert.True(found.Length == 0, string.Join('\n', found));
    }

    [GeneratedRegex(@"\bTODO\b(?!\(#\d+\))")]
    private static partial Regex BareTodo();

    [GeneratedRegex(
        @"<(?<tag>summary|param|typeparam|returns|remarks|value|exception)\b[^>]*?(/>|(?<!/)>(\s|///)*</\k<tag>>)")]
    private static partial Regex EmptyDocTag();
}
