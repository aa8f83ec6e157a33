using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Operations;

namespace Allot.Analyzers.Chains;

/// <summary>Where a scope around a call goes, so that nothing but the call is inside of it.</summary>
/// <remarks>Around the statement of the call, when the rest of it runs no code that the scope could touch: locals,
/// literals, operators of the language, properties, the await of the result. Other calls would be restricted too, and
/// variables that the statement declares would be lost.</remarks>
internal static class ScopePlaces
{
    // The first language in which a ref struct may be a local of an async method or iterator.
    private const int RefStructsInAsync = 1300;

    /// <summary>Why there is no such place; otherwise the call now knows it.</summary>
    internal static string? ObstacleOf(FlagCall call, FlagMethod method)
    {
        if (PlaceOf(call.Syntax) is not { } place) return $"the call in '{call.Place}' is no statement of its own";

        call.Wrapped = place;
        if (!method.NeedsFlow && IsAsyncOrIterator(call) && LanguageOf(call) < RefStructsInAsync)
        {
            return $"the scope of a thread cannot be entered in '{call.Place}', which is asynchronous";
        }

        return Others(call, place) is { } other
            ? $"'{other}' in '{call.Place}' would be inside of the scope too"
            : null;
    }

    private static SyntaxNode? PlaceOf(SyntaxNode call)
    {
        foreach (SyntaxNode node in call.Ancestors())
        {
            switch (node)
            {
                case ExpressionStatementSyntax or ReturnStatementSyntax:
                    return DeclaresVariables(node) && node is not ReturnStatementSyntax ? null : node;

                case LocalDeclarationStatementSyntax declaration:
                    return CanBeSplit(declaration) ? node : null;

                case ArrowExpressionClauseSyntax { Parent: MethodDeclarationSyntax or LocalFunctionStatementSyntax }:
                    return node;

                case StatementSyntax or ArrowExpressionClauseSyntax or AnonymousFunctionExpressionSyntax
                    or MemberDeclarationSyntax or SwitchExpressionArmSyntax:
                    return null;
            }
        }

        return null;
    }

    private static bool CanBeSplit(LocalDeclarationStatementSyntax declaration) =>
        declaration is { UsingKeyword.RawKind: 0, IsConst: false, Declaration.Variables.Count: 1 }
        && declaration.Declaration.Type is not RefTypeSyntax
        && declaration.Parent is BlockSyntax or GlobalStatementSyntax or SwitchSectionSyntax
        && !DeclaresVariables(declaration.Declaration.Variables[0]);

    private static bool DeclaresVariables(SyntaxNode node) =>
        node.DescendantNodes().Any(inner => inner is SingleVariableDesignationSyntax);

    private static bool IsAsyncOrIterator(FlagCall call) =>
        call.Model.GetEnclosingSymbol(call.Syntax.SpanStart) is IMethodSymbol method
        && (method.IsAsync || method.DeclaringSyntaxReferences.Any(reference =>
            reference.GetSyntax().DescendantNodes().Any(node => node is YieldStatementSyntax)));

    private static int LanguageOf(FlagCall call) =>
        (int)((CSharpParseOptions)call.Syntax.SyntaxTree.Options).LanguageVersion;

    // What else runs in the statement: the name of the first thing that is not known to be harmless.
    private static string? Others(FlagCall call, SyntaxNode place)
    {
        SyntaxNode inner = place is ArrowExpressionClauseSyntax arrow ? arrow.Expression : place;
        if (call.Model.GetOperation(inner) is not { } whole) return "something";

        foreach (IOperation operation in Executed(whole))
        {
            switch (operation)
            {
                case IInvocationOperation other when other.Syntax != call.Syntax && !IsHarmless(other, call):
                    return other.TargetMethod.Name;
                case IObjectCreationOperation { Constructor.IsImplicitlyDeclared: false } creation:
                    return creation.Constructor!.ContainingType.Name;
                case IBinaryOperation { OperatorMethod: { } method }:
                    return method.Name;
                case IUnaryOperation { OperatorMethod: { } method }:
                    return method.Name;
                case IConversionOperation { OperatorMethod: { } method } when !IsOfFramework(method):
                    return method.Name;
                case IDynamicInvocationOperation or IDynamicMemberReferenceOperation:
                    return "dynamic";
                case IAwaitOperation { Operation: var awaited } when !Contains(awaited, call):
                    return "await";
                case ILocalReferenceOperation { Type.IsRefLikeType: true }
                    when place is LocalDeclarationStatementSyntax:
                    return "a ref struct";
                case IVariableDeclaratorOperation { Symbol.Type: { IsRefLikeType: true } or { IsAnonymousType: true } }:
                    return "the declaration of a local";
            }
        }

        return null;
    }

    // The operations that run with the statement: not the bodies of lambdas, which run when they are called.
    private static IEnumerable<IOperation> Executed(IOperation operation)
    {
        yield return operation;
        if (operation is IAnonymousFunctionOperation) yield break;

        foreach (IOperation child in operation.ChildOperations)
        {
            foreach (IOperation inner in Executed(child)) yield return inner;
        }
    }

    // The same call again, with the same flags, or what the framework does with the task that the call returns.
    private static bool IsHarmless(IInvocationOperation other, FlagCall call) =>
        (SymbolEqualityComparer.Default.Equals(other.TargetMethod, call.Operation.TargetMethod)
            && other.Arguments.Zip(call.Operation.Arguments, (one, two) => (one, two)).All(pair =>
                !SymbolEqualityComparer.Default.Equals(pair.one.Value.Type, pair.two.Value.Type)
                || pair.one.Value.Type?.Name != "AllocationFlags"
                || Equals(pair.one.Value.ConstantValue.Value, pair.two.Value.ConstantValue.Value)))
        || (other.TargetMethod.Name is "ConfigureAwait" or "GetAwaiter" or "GetResult" or "AsTask"
            && IsOfFramework(other.TargetMethod));

    private static bool IsOfFramework(IMethodSymbol method) =>
        method.ContainingNamespace?.ToDisplayString() is { } name
        && (name == "System" || name.StartsWith("System.", StringComparison.Ordinal));

    private static bool Contains(IOperation operation, FlagCall call) =>
        operation.Syntax.Span.Contains(call.Syntax.Span);
}
