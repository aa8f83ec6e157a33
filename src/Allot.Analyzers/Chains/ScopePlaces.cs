using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Allot.Analyzers.Chains;

/// <summary>Where a scope around a call goes: around its statement, or around the expression that is the body of its
/// member.</summary>
internal static class ScopePlaces
{
    // The first language in which a ref struct may be a local of an async method or iterator.
    private const int RefStructsInAsync = 1300;

    /// <summary>Why there is no such place; otherwise the call now knows it.</summary>
    internal static string? ObstacleOf(FlagCall call, FlagMethod method, CodeInScope code)
    {
        if (PlaceOf(call) is not { } place
            || HasDirectivesInside(place is ArrowExpressionClauseSyntax { Parent: { } member } ? member : place))
        {
            return $"the call in '{call.Place}' is no statement of its own";
        }

        if (!method.NeedsFlow && (Awaits(place) || (IsAsyncOrIterator(call) && LanguageOf(call) < RefStructsInAsync)))
        {
            return $"the scope of a thread cannot be entered in '{call.Place}', which is asynchronous";
        }

        call.Wrapped = place;
        SyntaxNode inner = place is ArrowExpressionClauseSyntax arrow ? arrow.Expression : place;
        return call.Model.GetOperation(inner) is { } statement
            ? code.ObstacleAround(call, statement)
            : $"the call in '{call.Place}' is no statement of its own";
    }

    private static SyntaxNode? PlaceOf(FlagCall call)
    {
        foreach (SyntaxNode node in call.Syntax.Ancestors())
        {
            switch (node)
            {
                case ReturnStatementSyntax:
                    return node;

                case ExpressionStatementSyntax:
                    return DeclaresVariables(node) ? null : node;

                case LocalDeclarationStatementSyntax declaration:
                    return CanBeSplit(declaration, call.Model) ? node : null;

                case ArrowExpressionClauseSyntax { Parent: MethodDeclarationSyntax or LocalFunctionStatementSyntax }:
                    return node;

                case StatementSyntax or ArrowExpressionClauseSyntax or AnonymousFunctionExpressionSyntax
                    or MemberDeclarationSyntax or SwitchExpressionArmSyntax:
                    return null;
            }
        }

        return null;
    }

    // Into the declaration and an assignment.
    private static bool CanBeSplit(LocalDeclarationStatementSyntax declaration, SemanticModel model) =>
        declaration is { UsingKeyword.RawKind: 0, IsConst: false, Declaration.Variables.Count: 1 }
        && declaration.Parent is BlockSyntax or GlobalStatementSyntax or SwitchSectionSyntax
        && !DeclaresVariables(declaration.Declaration.Variables[0])
        && model.GetDeclaredSymbol(declaration.Declaration.Variables[0]) is ILocalSymbol { RefKind: RefKind.None } local
        && CanBeWritten(local.Type);

    // A type that a declaration can name, whatever is assigned to it later.
    private static bool CanBeWritten(ITypeSymbol type) => type switch
    {
        IArrayTypeSymbol array => CanBeWritten(array.ElementType),
        ITypeParameterSymbol => true,
        INamedTypeSymbol named => !named.IsAnonymousType && !named.IsRefLikeType
            && named.TypeKind is TypeKind.Class or TypeKind.Struct or TypeKind.Enum or TypeKind.Interface
                or TypeKind.Delegate
            && (named.ContainingType is null || CanBeWritten(named.ContainingType))
            && named.TypeArguments.All(CanBeWritten),
        _ => false,
    };

    private static bool DeclaresVariables(SyntaxNode node) =>
        node.DescendantNodes().Any(inner => inner is SingleVariableDesignationSyntax);

    private static bool Awaits(SyntaxNode place) =>
        place.DescendantNodes().Any(node => node is AwaitExpressionSyntax);

    // Those before the first word and after the last one stay where they are.
    private static bool HasDirectivesInside(SyntaxNode place) =>
        place.ContainsDirectives && place.DescendantTrivia().Any(trivia => trivia.IsDirective
            && place.Span.Contains(trivia.Span));

    private static bool IsAsyncOrIterator(FlagCall call) =>
        call.Model.GetEnclosingSymbol(call.Syntax.SpanStart) is IMethodSymbol method
        && (method.IsAsync || method.DeclaringSyntaxReferences.Any(reference =>
            reference.GetSyntax().DescendantNodes().Any(node => node is YieldStatementSyntax)));

    private static int LanguageOf(FlagCall call) =>
        (int)((CSharpParseOptions)call.Syntax.SyntaxTree.Options).LanguageVersion;
}
