using System.Collections.Immutable;
using System.Composition;
using System.Globalization;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Operations;

namespace Allot.Analyzers;

/// <summary>ALLOT001: leaves the flags out, or says <c>Kernel</c> with the attributes that they also have.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp), Shared]
public sealed class RedundantFlagsFix : CodeFixProvider
{
    private const string Title = "Remove the redundant flags";

    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } =
        ImmutableArray.Create(Rules.RedundantFlagsId);

    /// <inheritdoc/>
    public override FixAllProvider GetFixAllProvider() => WellKnownFixAllProviders.BatchFixer;

    /// <inheritdoc/>
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        SyntaxNode root = (await context.Document.GetSyntaxRootAsync(context.CancellationToken).ConfigureAwait(false))!;
        Diagnostic diagnostic = context.Diagnostics[0];
        if (root.FindNode(diagnostic.Location.SourceSpan, getInnermostNodeForTie: true)
                .FirstAncestorOrSelf<ArgumentSyntax>()
                    is not { Parent: ArgumentListSyntax { ContainsDirectives: false } } argument
            || !diagnostic.Properties.TryGetValue(RedundantFlagsAnalyzer.Replacement, out string? replacement)
            || !ulong.TryParse(replacement, NumberStyles.None, CultureInfo.InvariantCulture, out ulong flags))
        {
            return;
        }

        context.RegisterCodeFix(
            CodeAction.Create(Title, token => FixAsync(context.Document, argument, flags, token), Title),
            diagnostic);
    }

    private static async Task<Document> FixAsync(
        Document document, ArgumentSyntax argument, ulong flags, CancellationToken cancellationToken)
    {
        SemanticModel model = (await document.GetSemanticModelAsync(cancellationToken).ConfigureAwait(false))!;
        SyntaxNode root = await argument.SyntaxTree.GetRootAsync(cancellationToken).ConfigureAwait(false);
        if (AllotApi.Find(model.Compilation) is not { } api
            || model.GetOperation(argument, cancellationToken) is not IArgumentOperation { Parameter: { } parameter })
        {
            return document;
        }

        var list = (ArgumentListSyntax)argument.Parent!;
        int index = list.Arguments.IndexOf(argument);
        ArgumentListSyntax changed = Arguments.CanBeOmitted(argument, parameter, flags, api, model)
            ? list.Without(index)
            : list.With(index, FlagsSyntax.Of(flags, api));
        return document.WithSyntaxRoot(root.ReplaceNode(list, changed));
    }
}
