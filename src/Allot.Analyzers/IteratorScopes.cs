using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;
using Microsoft.CodeAnalysis.Text;

namespace Allot.Analyzers;

/// <summary>Flowing scopes in iterators. Between two elements the code of whoever asks for them runs: an iterator
/// leaves its flow to that code, and an asynchronous one loses it.</summary>
internal static class IteratorScopes
{
    /// <summary>Whether an element is given out between entering the scope and leaving it.</summary>
    /// <param name="value">All that the guard is the value of.</param>
    /// <param name="call">What enters the scope. Guards of a thread do not compile across a yield.</param>
    internal static bool IsHeldAcrossYield(IOperation value, IOperation call)
    {
        if (call.Type is null or { IsRefLikeType: true } || RegionOf(value, call) is not { } region) return false;
        return YieldsOf(call).Any(yield => region.Contains(yield.Syntax.SpanStart));
    }

    // From where it was entered to where it is left, in the text of the method.
    private static TextSpan? RegionOf(IOperation value, IOperation call)
    {
        int start = call.Syntax.Span.End;
        for (IOperation? inner = value; inner is not null; inner = inner.Parent)
        {
            switch (inner.Parent)
            {
                case IUsingOperation scope when scope.Resources == inner:
                    return Until(scope.Syntax);
                case IUsingDeclarationOperation { Parent: { } block }:
                    return Until(block.Syntax);
                case IVariableDeclaratorOperation declarator when !IsUsing(declarator):
                    IOperation? last = LostScopeAnalyzer.UsesOf(declarator.Symbol, call)
                        .OrderBy(use => use.Syntax.SpanStart).LastOrDefault();
                    return last is null ? null : Until(last.Syntax);
                case IVariableInitializerOperation or IVariableDeclaratorOperation or IVariableDeclarationOperation
                    or IVariableDeclarationGroupOperation:
                    continue;
                default:
                    return null;   // passed on, or only a part of what is declared
            }
        }

        return null;

        TextSpan Until(SyntaxNode node) =>
            TextSpan.FromBounds(start, Math.Max(start, node.Span.End));
    }

    private static bool IsUsing(IOperation declarator)
    {
        IOperation? parent = declarator.Parent;
        while (parent is IVariableDeclarationOperation or IVariableDeclarationGroupOperation) parent = parent.Parent;
        return parent is IUsingOperation or IUsingDeclarationOperation;
    }

    // Of the same body as the call: not of local functions and lambdas in it.
    private static IEnumerable<IOperation> YieldsOf(IOperation call)
    {
        IOperation body = call;
        while (body.Parent is { } parent && !IsFunction(body)) body = parent;
        var open = new Stack<IOperation>();
        open.Push(body);
        while (open.Count > 0)
        {
            foreach (IOperation child in open.Pop().ChildOperations)
            {
                if (child.Kind == OperationKind.YieldReturn) yield return child;
                if (!IsFunction(child)) open.Push(child);
            }
        }
    }

    private static bool IsFunction(IOperation operation) =>
        operation is ILocalFunctionOperation or IAnonymousFunctionOperation;
}
