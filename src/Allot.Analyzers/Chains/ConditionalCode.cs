using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Allot.Analyzers.Chains;

/// <summary>Code between <c>#if</c> and <c>#endif</c>: another configuration compiles other code, which nobody sees
/// here.</summary>
internal static class ConditionalCode
{
    internal static bool IsIn(SyntaxNode node) =>
        node.ContainsDirectives && node.DescendantTrivia().Any(trivia => trivia.Kind() is SyntaxKind.DisabledTextTrivia
            or SyntaxKind.IfDirectiveTrivia or SyntaxKind.ElifDirectiveTrivia or SyntaxKind.ElseDirectiveTrivia
            or SyntaxKind.EndIfDirectiveTrivia);

    /// <summary>The words of the code that is not compiled here.</summary>
    internal static IEnumerable<string> WordsNotCompiled(SyntaxNode root) =>
        !root.ContainsDirectives
            ? []
            : root.DescendantTrivia().Where(trivia => trivia.IsKind(SyntaxKind.DisabledTextTrivia))
                .SelectMany(trivia => Regex.Matches(trivia.ToFullString(), @"\w+").Cast<Match>())
                .Select(match => match.Value);
}
