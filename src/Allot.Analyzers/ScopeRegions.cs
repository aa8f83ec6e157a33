using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace Allot.Analyzers;

/// <summary>
/// Which scopes are certainly active where an operation runs, as far as the text of one body shows: inside
/// <c>using (scope)</c>, after <c>using var scope</c> in the same block, and in the <c>try</c> of a <c>try/finally</c>
/// whose <c>finally</c> leaves the scope.
/// </summary>
/// <remarks>Only what is certain counts. A lambda or a local function runs some time later, so the scopes around its
/// text are not the scopes around its run; a scope that is left by hand is over from that place on; a scope that is
/// entered only sometimes is none.</remarks>
internal static class ScopeRegions
{
    /// <summary>The active scopes, the innermost first.</summary>
    internal static IEnumerable<EnteredScope> Around(IOperation operation, AllotApi api)
    {
        IOperation child = operation;
        for (IOperation? parent = operation.Parent; parent is not null; child = parent, parent = parent.Parent)
        {
            if (parent is IAnonymousFunctionOperation or ILocalFunctionOperation) yield break;

            IEnumerable<EnteredScope> entered = parent switch
            {
                IUsingOperation statement when child == statement.Body =>
                    Entered(statement.Resources, statement.Body, operation, api),
                IBlockOperation block => EnteredBefore(block, child, operation, api),
                _ => [],
            };
            foreach (EnteredScope scope in entered) yield return scope;
        }
    }

    /// <summary>What all scopes around the operation take away together.</summary>
    internal static ulong BitsRemovedAround(IOperation operation, AllotApi api)
    {
        ulong bits = 0;
        foreach (EnteredScope scope in Around(operation, api)) bits |= scope.RemovedBits;
        return bits;
    }

    private static IEnumerable<EnteredScope> EnteredBefore(
        IBlockOperation block, IOperation child, IOperation operation, AllotApi api)
    {
        int end = block.Operations.IndexOf(child);
        for (int at = end - 1; at >= 0; at--)
        {
            if (block.Operations[at] is IUsingDeclarationOperation declaration)
            {
                foreach (EnteredScope scope in Entered(declaration.DeclarationGroup, block, operation, api))
                {
                    yield return scope;
                }
            }
            else if (block.Operations[at] is IVariableDeclarationGroupOperation group
                && child is ITryOperation { Finally: not null } attempt
                && !attempt.Finally.Syntax.Span.Contains(operation.Syntax.Span))
            {
                foreach ((ILocalSymbol local, EnteredScope scope) in LocalsWithScopes(group, api))
                {
                    if (DisposalsOf(local, attempt.Finally).Any()
                        && !IsLeftBefore(local, attempt.Body, operation))
                    {
                        yield return scope;
                    }
                }
            }
        }
    }

    private static IEnumerable<EnteredScope> Entered(
        IOperation resources, IOperation region, IOperation operation, AllotApi api)
    {
        if (resources is IVariableDeclarationGroupOperation group)
        {
            foreach ((ILocalSymbol local, EnteredScope scope) in LocalsWithScopes(group, api))
            {
                if (!IsLeftBefore(local, region, operation)) yield return scope;
            }
        }
        else if (api.ScopeEnteredBy(resources) is { } scope)
        {
            yield return scope;
        }
    }

    private static IEnumerable<(ILocalSymbol, EnteredScope)> LocalsWithScopes(
        IVariableDeclarationGroupOperation group, AllotApi api)
    {
        foreach (IVariableDeclarationOperation declaration in group.Declarations)
        {
            foreach (IVariableDeclaratorOperation declarator in declaration.Declarators)
            {
                if (api.ScopeEnteredBy(declarator.GetVariableInitializer()?.Value) is { } scope)
                {
                    yield return (declarator.Symbol, scope);
                }
            }
        }
    }

    // Textual order, and the next turn of a loop, are enough: a scope that is left on some path before the operation is
    // not certain there.
    private static bool IsLeftBefore(ILocalSymbol local, IOperation region, IOperation operation) =>
        DisposalsOf(local, region).Any(disposal =>
            disposal.Syntax.SpanStart < operation.Syntax.SpanStart || IsInOneLoop(disposal, operation, region));

    private static bool IsInOneLoop(IOperation disposal, IOperation operation, IOperation region)
    {
        for (IOperation? parent = disposal.Parent; parent is not null && parent != region; parent = parent.Parent)
        {
            if (parent is ILoopOperation && parent.Syntax.Span.Contains(operation.Syntax.Span)) return true;
        }

        return false;
    }

    /// <summary>The calls of <c>Dispose</c> on the local inside an operation.</summary>
    private static IEnumerable<IInvocationOperation> DisposalsOf(ILocalSymbol local, IOperation within) =>
        within.Descendants().OfType<IInvocationOperation>().Where(call =>
            call.TargetMethod.Name == "Dispose"
            && AllotApi.Strip(call.Instance) is ILocalReferenceOperation reference
            && SymbolEqualityComparer.Default.Equals(reference.Local, local));
}
