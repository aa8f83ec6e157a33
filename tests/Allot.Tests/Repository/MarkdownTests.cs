using System.Text.RegularExpressions;

namespace Allot.Tests.Repository;

/// <summary>Documents that point at something that is there, and have one title.</summary>
public sealed partial class MarkdownTests
{
    public static TheoryData<string> Documents => [.. RepositoryFiles.With(".md")];

    [Theory, MemberData(nameof(Documents))]
    public void Every_relative_link_leads_somewhere(string document) =>
        Assert.Empty(BrokenLinks(document, RepositoryFiles.Read(document)));

    [Theory, MemberData(nameof(Documents))]
    public void Every_path_of_the_repository_exists(string document) =>
        Assert.Empty(BrokenPaths(RepositoryFiles.Read(document)));

    // Documents for people; the lists of rules that the build of the analyzers reads have their own form.
    [Theory, MemberData(nameof(Documents))]
    public void There_is_one_title(string document) => Assert.Equal(
        Path.GetFileName(document).StartsWith("AnalyzerReleases.", StringComparison.Ordinal) ? 0 : 1,
        Titles(RepositoryFiles.Read(document)).Count());

    [Fact]
    public void Broken_links_are_found_and_others_are_not()
    {
        const string Text = "[a](nothing.md) [b](README.md#layers) [c](https://example.com) [d](#here) `[e](nothing)`";
        Assert.Equal(["nothing.md"], BrokenLinks("src/Allot/README.md", Text));
    }

    [Fact]
    public void Broken_paths_are_found_and_others_are_not()
    {
        const string Text = "`src/Allot/Nothing.cs` `src/Allot/Groups/` `tests/Allot.Tests -- x` `a/b` `src/*/x`";
        Assert.Equal(["src/Allot/Nothing.cs"], BrokenPaths(Text));
    }

    [Fact]
    public void A_comment_of_a_shell_in_a_code_block_is_no_title() =>
        Assert.Single(Titles("# Title\n```sh\n# comment\n```\n## Part\n"));

    private static IEnumerable<string> BrokenLinks(string document, string text)
    {
        string folder = Path.GetDirectoryName(document)!;
        return from match in Link().Matches(Code().Replace(Fence().Replace(text, ""), ""))
               let target = match.Groups["target"].Value.Split('#')[0]
               where target.Length > 0 && !target.Contains(':')
               where !RepositoryFiles.Exists(Path.Combine(folder, Uri.UnescapeDataString(target)))
               select target;
    }

    // Paths are written in back quotes and begin with a folder of the root.
    private static IEnumerable<string> BrokenPaths(string text)
    {
        HashSet<string> folders =
            [.. RepositoryFiles.All.Where(path => path.Contains('/')).Select(path => path.Split('/')[0])];
        return from match in Code().Matches(Fence().Replace(text, ""))
               let path = match.Groups["code"].Value
               where PlainPath().IsMatch(path) && folders.Contains(path.Split('/')[0])
               where !RepositoryFiles.Exists(path)
               select path;
    }

    private static IEnumerable<string> Titles(string text) =>
        Fence().Replace(text, "").Split('\n').Where(line => line.StartsWith("# ", StringComparison.Ordinal));

    [GeneratedRegex(@"\[[^\]]*\]\((?<target>[^)\s]+)[^)]*\)")]
    private static partial Regex Link();

    [GeneratedRegex("`(?<code>[^`\n]+)`")]
    private static partial Regex Code();

    [GeneratedRegex(@"^```[\s\S]*?^```", RegexOptions.Multiline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"^[\w.-]+/[\w./-]*$")]
    private static partial Regex PlainPath();
}
