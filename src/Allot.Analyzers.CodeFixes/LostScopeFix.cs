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
/// <c>case</c>, a block with a label), nor where the rest of the block yields, or awaits while the guard of a thread
/// would be held; that is none at all in asynchronous code before C# 13.</remarks>
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
                && !IsCrossed(statement, SyntaxKind.YieldKeyword)
                && !(IsOfThread(model, call) && (IsCrossed(statement, SyntaxKind.AwaitKeyword)
                    || !CanBeLocal(statement)))
                && Fixed(model, statement, call, names) is { } changed)
            {
                changes[statement] = changed.WithAdditionalAnnotations(Formatter.Annotation);
            }
        }

        return changes.Count == 0
            ? null
            : document.WithSyntaxRoot(root.ReplaceNodes(changes.Keys, (original, _) => changes[original]));
    }

    // Nobody may jump past such a declaration, or back to before it.
    private static bool CanHoldDeclaration(StatementSyntax statement) => statement.Parent switch
    {
        BlockSyntax block => !block.Statements.Any(other => other is LabeledStatementSyntax),
        GlobalStatementSyntax { Parent: CompilationUnitSyntax unit } => !unit.Members.Any(
            other => other is GlobalStatementSyntax { Statement: LabeledStatementSyntax }),
        _ => false,
    };

    // C# 13 has locals that live on the stack in asynchronous code and iterators. A preview is one of the next version.
    private static bool CanBeLocal(StatementSyntax statement)
    {
        const int WithLocals = 1300;
        LanguageVersion version = ((CSharpParseOptions)statement.SyntaxTree.Options).LanguageVersion;
        LanguageVersion latest = LanguageVersion.Latest.MapSpecifiedToEffectiveVersion();
        bool hasLocals = (int)(version < latest ? version : latest) >= WithLocals;
        return hasLocals || !IsAsync(statement);
    }

    private static bool IsAsync(StatementSyntax statement)
    {
        SyntaxNode body = statement.Ancestors().FirstOrDefault(IsFunction) ?? statement.SyntaxTree.GetRoot();
        return body switch
        {
            MethodDeclarationSyntax method => method.Modifiers.Any(SyntaxKind.AsyncKeyword),
            LocalFunctionStatementSyntax function => function.Modifiers.Any(SyntaxKind.AsyncKeyword),
            AnonymousFunctionExpressionSyntax function => function.Modifiers.Any(SyntaxKind.AsyncKeyword),
            CompilationUnitSyntax => true,   // the statements of a program may await
            _ => false,
        } || HasToken(body, SyntaxKind.YieldKeyword);
    }

    private static bool IsFunction(SyntaxNode node) => node is BaseMethodDeclarationSyntax or AccessorDeclarationSyntax
        or LocalFunctionStatementSyntax or AnonymousFunctionExpressionSyntax;

    // A guard that only awaiting gives is none yet.
    private static bool IsDisposed(SemanticModel model, ExpressionSyntax call) =>
        model.GetTypeInfo(call).Type?.GetMembers("Dispose").IsEmpty == false;

    private static bool IsOfThread(SemanticModel model, ExpressionSyntax call) =>
        model.GetTypeInfo(call).Type is { IsRefLikeType: true };

    private static bool IsCrossed(StatementSyntax statement, SyntaxKind by)
    {
        SyntaxNode block = statement.Parent is GlobalStatementSyntax global ? global.Parent! : statement.Parent!;
        return HasToken(block, by, from: statement.SpanStart);
    }

    private static bool HasToken(SyntaxNode body, SyntaxKind kind, int from = -1) =>
        body.DescendantNodes(node => node == body || IsOfThisBody(node)).Any(node =>
            node.SpanStart > from && node.ChildTokens().Any(token => token.IsKind(kind)));

    private static bool IsOfThisBody(SyntaxNode node) =>
        node is not (AnonymousFunctionExpressionSyntax or LocalFunctionStatementSyntax or BaseTypeDeclarationSyntax);

    private static StatementSyntax? Fixed(
        SemanticModel model, StatementSyntax statement, ExpressionSyntax call, HashSet<string> names)
    {
        switch (statement)
        {
            case LocalDeclarationStatementSyntax { Declaration.Variables: { Count: 1 } variables } declaration
                when declaration.UsingKeyword.IsKind(SyntaxKind.None)
                    && IsValueOf(call, variables[0])
                    && !IsAssigned(variables[0].Identifier.ValueText, statement.Parent!):
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

    // Itself, or one of the values that are chosen from; not inside of something that is made of it.
    private static bool IsValueOf(ExpressionSyntax call, VariableDeclaratorSyntax variable)
    {
        SyntaxNode value = call;
        while (value.Parent is ParenthesizedExpressionSyntax or ConditionalExpressionSyntax or CastExpressionSyntax
            or SwitchExpressionArmSyntax or SwitchExpressionSyntax
            or BinaryExpressionSyntax { RawKind: (int)SyntaxKind.CoalesceExpression })
        {
            value = value.Parent;
        }

        return value.Parent == variable.Initializer;
    }

    // What is in a using declaration cannot be replaced.
    private static bool IsAssigned(string name, SyntaxNode block) => block.DescendantNodes().Any(node =>
        node is AssignmentExpressionSyntax { Left: var target } && Names(target, name)
        || node is ArgumentSyntax { RefKindKeyword.RawKind: not (int)SyntaxKind.None } argument
            && Names(argument.Expression, name));

    private static bool Names(ExpressionSyntax target, string name) => target switch
    {
        IdentifierNameSyntax identifier => identifier.Identifier.ValueText == name,
        TupleExpressionSyntax tuple => tuple.Arguments.Any(part => Names(part.Expression, name)),
        _ => false,
    };

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
