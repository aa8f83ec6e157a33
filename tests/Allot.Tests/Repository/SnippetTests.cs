using System.Text.RegularExpressions;

namespace Allot.Tests.Repository;

/// <summary>Every C# block of a document is a region of a source that is compiled and run, so that no document shows
/// code that does not work.</summary>
public sealed partial class SnippetTests
{
    private static readonly string[] s_snippetFolders =
        ["tests/Allot.Tests/Docs/", "tests/Allot.Analyzers.Tests/Docs/", "tests/Allot.Bpf.Tests/Docs/", "samples/"];

    public static TheoryData<string> Documents =>
        [.. RepositoryFiles.With(".md").Where(path => Blocks(RepositoryFiles.Read(path)).Any())];

    [Theory, MemberData(nameof(Documents))]
    public void Every_code_block_is_a_compiled_region(string document)
    {
        HashSet<string> compiled = [.. AllRegions().Select(region => region.Text)];
        Assert.All(Blocks(RepositoryFiles.Read(document)), block => Assert.True(
            compiled.Contains(block),
            $"{document}: this block is no #region of a file in {string.Join(", ", s_snippetFolders)}:\n{block}"));
    }

    [Fact]
    public void Every_region_of_the_snippets_is_shown_somewhere()
    {
        HashSet<string> shown = [.. RepositoryFiles.With(".md").SelectMany(path => Blocks(RepositoryFiles.Read(path)))];
        Assert.Empty(AllRegions().Where(region => !shown.Contains(region.Text)).Select(region => region.Name));
    }

    [Fact]
    public void Region_names_are_unique() =>
        Assert.Equal(AllRegions().Count(), AllRegions().Select(region => region.Name).Distinct().Count());

    [Fact]
    public void A_region_is_compared_without_the_indentation_of_its_place()
    {
        const string Source =
            "class C\n{\n        #region one\n        if (x)\n        {\n            y();\n        }\n        #endregion\n}\n";
        const string Document = "text\n```csharp\nif (x)\n{\n    y();\n}\n```\n```sh\nls\n```\n";
        Assert.Equal([("one", Blocks(Document).Single())], Regions(Source));
    }

    [Fact]
    public void A_block_that_differs_is_found()
    {
        const string Source = "#region one\nif (x) y();\n#endregion\n";
        Assert.NotEqual(Blocks("```csharp\nif (x)  y();\n```\n").Single(), Regions(Source).Single().Text);
    }

    private static IEnumerable<(string Name, string Text)> AllRegions() =>
        from path in RepositoryFiles.With(".cs")
        where s_snippetFolders.Any(folder => path.StartsWith(folder, StringComparison.Ordinal))
        from region in Regions(RepositoryFiles.Read(path))
        select region;

    private static IEnumerable<(string Name, string Text)> Regions(string source) =>
        Region().Matches(source).Select(match => (match.Groups["name"].Value, Normal(match.Groups["text"].Value)));

    private static IEnumerable<string> Blocks(string document) =>
        Block().Matches(document.ReplaceLineEndings("\n")).Select(match => Normal(match.Groups["text"].Value));

    private static string Normal(string text)
    {
        string[] lines = [.. text.ReplaceLineEndings("\n").Split('\n').Select(line => line.TrimEnd())];
        string[] written = [.. lines.Where(line => line.Length > 0)];
        int indent = written.Length == 0 ? 0 : written.Min(line => line.Length - line.TrimStart().Length);
        return string.Join('\n', lines.Select(line => line.Length > 0 ? line[indent..] : "")).Trim('\n');
    }

    [GeneratedRegex(@"^[ ]*#region (?<name>\S+)\s*?\n(?<text>[\s\S]*?)^[ ]*#endregion", RegexOptions.Multiline)]
    private static partial Regex Region();

    [GeneratedRegex(@"^```csharp\n(?<text>[\s\S]*?)^```", RegexOptions.Multiline)]
    private static partial Regex Block();
}
