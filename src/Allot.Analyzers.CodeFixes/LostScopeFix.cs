using System.Collections.Immutable;
using System.Composition;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Formatting;

namespace Allot.Analyzers;

/// <summary>ALLOT003: makes the guard a <c>using</c> declaration, so that the scope ends with its block.</summary>
/// <remarks>Not offered where such a declaration cannot stand (the body of an <c>if</c> without braces, a
/// <c>case</c>), nor where the rest of the block awaits or yields, which the guard of a thread cannot cross.</remarks>
[ExportCodeFixProvider(LanguageNames.CSharp), Shared]
public sealed class LostScopeFix : CodeFixProvider
{
    private const string Title = "Leave the scope at the end of the block (using)";

    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = ImmutableArray.Create(Rules.LostScopeId);

    /// <inheritdoc/>
    public override FixAllProvider GetFixAllProvider() => FixAllProvider.Create(
        async (context, document, diagnostics) =>
            await FixAsync(document, diagnostics, context.CancellationToken).ConfigureAwait(false) ?? document);

    /// <inheritdoc/>
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        if (await FixAsync(context.Document, context.Diagnostics, context.CancellationToken).ConfigureAwait(false)
            is not { } document)
        {
            return;
        }

        context.RegisterCodeFix(CodeAction.Create(Title, _ => Task.FromResult(document), Title), context.Diagnostics);
    }

    private static async Task<Document?> FixAsync(
        Document document, ImmutableArray<Diagnostic> diagnostics, CancellationToken cancellationToken)
    {
        SyntaxNode root = (await document.GetSyntaxRootAsync(cancellationToken).ConfigureAwait(false))!;
        SemanticModel model = (await document.GetSemanticModelAsync(cancellationToken).ConfigureAwait(false))!;
        var changes = new Dictionary<SyntaxNode, SyntaxNode>();
        var names = new HashSet<string>();
        foreach (Diagnostic diagnostic in diagnostics)
        {
            if (root.FindNode(diagnostic.Location.SourceSpan, getInnermostNodeForTie: true) is ExpressionSyntax call
                && call.FirstAncestorOrSelf<StatementSyntax>() is { } statement
                && CanHoldDeclaration(statement)
                && IsDisposed(model, call)
                && !(IsOfThread(model, call) && IsCrossed(statement))
                && Fixed(model, statement, call, names) is { } changed)
            {
                changes[statement] = changed.WithAdditionalAnnotations(Formatter.Annotation);
            }
        }

        return changes.Count == 0
            ? null
            : document.WithSyntaxRoot(root.ReplaceNodes(changes.Keys, (original, _) => changes[original]));
    }

    private static bool CanHoldDeclaration(StatementSyntax statement) =>
        statement.Parent is BlockSyntax or GlobalStatementSyntax;

    // A guard that only awaiting gives is none yet.
    private static bool IsDisposed(SemanticModel model, ExpressionSyntax call) =>
        model.GetTypeInfo(call).Type?.GetMembers("Dispose").IsEmpty == false;

    private static bool IsOfThread(SemanticModel model, ExpressionSyntax call) =>
        model.GetTypeInfo(call).Type is { IsRefLikeType: true };

    private static bool IsCrossed(StatementSyntax statement)
    {
        SyntaxNode block = statement.Parent is GlobalStatementSyntax global ? global.Parent! : statement.Parent!;
        return block.DescendantNodes(IsOfThisBody).Any(node => node.SpanStart > statement.SpanStart
            && node.ChildTokens().Any(token =>
                token.IsKind(SyntaxKind.AwaitKeyword) || token.IsKind(SyntaxKind.YieldKeyword)));
    }

    private static bool IsOfThisBody(SyntaxNode node) =>
        node is not (AnonymousFunctionExpressionSyntax or LocalFunctionStatementSyntax or BaseTypeDeclarationSyntax);

    private static StatementSyntax? Fixed(
        SemanticModel model, StatementSyntax statement, ExpressionSyntax call, HashSet<string> names)
    {
        switch (statement)
        {
            case LocalDeclarationStatementSyntax { Declaration.Variables.Count: 1 } declaration:
                return declaration.WithoutLeadingTrivia()
                    .WithUsingKeyword(
                        SyntaxFactory.Token(SyntaxKind.UsingKeyword).WithTrailingTrivia(SyntaxFactory.Space))
                    .WithLeadingTrivia(declaration.GetLeadingTrivia());

            case ExpressionStatementSyntax { Expression: var whole }
                when whole == call || IsDiscard(whole):
                ITypeSymbol type = model.GetTypeInfo(call).Type!;
                string line = $"using {type.ToMinimalDisplayString(model, statement.SpanStart)} "
                    + $"{FreeName(model, statement, names)} = {call.WithoutTrivia().ToFullString()};";
                return SyntaxFactory.ParseStatement(line).WithTriviaFrom(statement);

            default:
                return null;
        }
    }

    private static bool IsDiscard(ExpressionSyntax whole) =>
        whole is AssignmentExpressionSyntax { Left: IdentifierNameSyntax { Identifier.Text: "_" } };

    // A name that neither the surroundings, nor the body of the member, nor another fix use.
    private static string FreeName(SemanticModel model, StatementSyntax statement, HashSet<string> names)
    {
        SyntaxNode member = statement.FirstAncestorOrSelf<BaseMethodDeclarationSyntax>()
            ?? statement.FirstAncestorOrSelf<BasePropertyDeclarationSyntax>()
            ?? statement.SyntaxTree.GetRoot();
        var taken = new HashSet<string>(member.DescendantTokens()
            .Where(token => token.IsKind(SyntaxKind.IdentifierToken)).Select(token => token.ValueText));
        taken.UnionWith(model.LookupSymbols(statement.SpanStart).Select(symbol => symbol.Name));
        string name = "scope";
        taken.UnionWith(names);
        for (int number = 2; taken.Contains(name); number++) name = "scope" + number;
        names.Add(name);
        return name;
    }
}
