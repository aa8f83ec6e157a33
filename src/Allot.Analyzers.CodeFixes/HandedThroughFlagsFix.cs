using System.Collections.Immutable;
using System.Composition;
using Allot.Analyzers.Chains;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Allot.Analyzers;

/// <summary>ALLOT002: replaces a flags parameter by a scope, in one method or in the whole chain of calls that it is
/// part of.</summary>
/// <remarks>Offered only where the program does the same before and after, as far as its text shows; what stands in the
/// way is in the message of the diagnostic.</remarks>
[ExportCodeFixProvider(LanguageNames.CSharp), Shared]
public sealed class HandedThroughFlagsFix : CodeFixProvider
{
    /// <summary>The key of the fix for the whole chain.</summary>
    internal const string Chain = "Chain";

    /// <summary>The key of the fix for the first method of a chain alone.</summary>
    internal const string Method = "Method";

    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } =
        ImmutableArray.Create(Rules.HandedThroughFlagsId);

    /// <inheritdoc/>
    public override FixAllProvider GetFixAllProvider() => AllChains.Instance;

    /// <inheritdoc/>
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        Document document = context.Document;
        Diagnostic diagnostic = context.Diagnostics[0];
        SyntaxNode root = (await document.GetSyntaxRootAsync(context.CancellationToken).ConfigureAwait(false))!;
        SemanticModel model = (await document.GetSemanticModelAsync(context.CancellationToken).ConfigureAwait(false))!;
        if (root.FindNode(diagnostic.Location.SourceSpan).FirstAncestorOrSelf<MethodDeclarationSyntax>()
                is not { } declaration
            || model.GetDeclaredSymbol(declaration, context.CancellationToken) is not { } symbol
            || await MethodsOfAsync(document.Project, context.CancellationToken).ConfigureAwait(false)
                is not { } methods
            || methods.Find(symbol) is not { } method
            || !FlagMethods.IsConvertible(method))
        {
            return;
        }

        Solution solution = document.Project.Solution;
        IReadOnlyCollection<FlagMethod> chain = methods.ChainOf(method);
        string title = chain.Count == 1
            ? $"Replace '{method.Parameter.Name}' by a scope in the callers"
            : $"Replace '{method.Parameter.Name}' by a scope, in all {chain.Count} methods of the chain";
        context.RegisterCodeFix(
            CodeAction.Create(title, token => ChainConversion.ApplyAsync(solution, chain, methods.Api, token), Chain),
            diagnostic);

        if (chain.Count == 1 || method.Calls.Any(call => call.Caller is not null)) return;

        FlagMethod[] alone = [method];
        context.RegisterCodeFix(
            CodeAction.Create(
                $"Replace '{method.Parameter.Name}' by a scope, in '{symbol.Name}' only",
                token => ChainConversion.ApplyAsync(solution, alone, methods.Api, token),
                Method),
            diagnostic);
    }

    internal static async Task<FlagMethods?> MethodsOfAsync(Project project, CancellationToken cancellationToken) =>
        await project.GetCompilationAsync(cancellationToken).ConfigureAwait(false) is { } compilation
            && AllotApi.Find(compilation) is { } api
            ? FlagMethods.Of(compilation, api, cancellationToken)
            : null;
}
