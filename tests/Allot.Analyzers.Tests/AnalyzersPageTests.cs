using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Allot.Analyzers.Tests;

/// <summary>The page of the rules: a section for every id, and examples that are reported before and not after. Where
/// there is a fix, it makes the one of the other.</summary>
public sealed partial class AnalyzersPageTests
{
    private static readonly DiagnosticAnalyzer[] s_analyzers =
        [new RedundantFlagsAnalyzer(), new HandedThroughFlagsAnalyzer(), new LostScopeAnalyzer(), new AtomicScopeAnalyzer()];

    private static readonly CodeFixProvider[] s_fixes =
        [new RedundantFlagsFix(), new HandedThroughFlagsFix(), new LostScopeFix()];

    public static TheoryData<string, string> Examples => new()
    {
        { "ALLOT001", "RedundantFlags" },
        { "ALLOT002", "HandedThroughFlags" },
        { "ALLOT003", "LostScope" },
        { "ALLOT004", "MustSucceedInAtomic" },
        { "ALLOT005", "BlockingInAtomic" },
    };

    [Fact]
    public void Every_rule_has_a_section_and_its_help_leads_there()
    {
        string page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "reference", "analyzers.md"));
        DiagnosticDescriptor[] rules = [.. s_analyzers.SelectMany(analyzer => analyzer.SupportedDiagnostics)];
        Assert.Equal(Examples.Select(row => row.Data.Item1), rules.Select(rule => rule.Id).Order());
        Assert.All(rules, rule =>
        {
            Assert.Contains($"\n## {rule.Id}\n\n**{rule.Title}**", page, StringComparison.Ordinal);
            Assert.Equal("docs/reference/analyzers.md#" + rule.Id.ToLowerInvariant(), rule.HelpLinkUri);
        });
    }

    [Theory, MemberData(nameof(Examples))]
    public async Task An_example_is_reported_before_and_not_after(string id, string name)
    {
        string file = Path.Combine(Repository.Root, "tests", "Allot.Analyzers.Tests", "Docs", name + ".cs");
        DiagnosticAnalyzer analyzer = s_analyzers.Single(candidate =>
            candidate.SupportedDiagnostics.Any(rule => rule.Id == id));
        var code = new CodeUnderTest(analyzer, await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        (int start, int end, _) = Region(await code.TextAsync(), id + "-before");
        Diagnostic[] found = [.. await code.AnalyzeAsync()];
        Assert.NotEmpty(found);
        Assert.All(found, diagnostic =>
        {
            Assert.Equal(id, diagnostic.Id);
            Assert.InRange(diagnostic.Location.SourceSpan.Start, start, end);
        });

        if (s_fixes.FirstOrDefault(fix => fix.FixableDiagnosticIds.Contains(id)) is not { } provider) return;

        await code.FixAllAsync(provider);
        string text = await code.TextAsync();
        Assert.Equal(Region(text, id + "-after").Text, Region(text, id + "-before").Text);
    }

    private static (int Start, int End, string Text) Region(string source, string name)
    {
        Match region = Regions().Matches(source).Single(match => match.Groups["name"].Value == name);
        return (region.Index, region.Index + region.Length, region.Groups["text"].Value);
    }

    [GeneratedRegex(@"^[ ]*#region (?<name>\S+)\n(?<text>[\s\S]*?)^[ ]*#endregion", RegexOptions.Multiline)]
    private static partial Regex Regions();
}
