using Allot.Analyzers.Chains;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace Allot.Analyzers;

/// <summary>
/// Which scopes are certainly active where an operation runs, as far as the text of one body shows: inside
/// <c>using (scope)</c>, after <c>using var scope</c> in the same block, and in a <c>try</c> right behind the entry
/// whose <c>finally</c> leaves the scope.
/// </summary>
/// <remarks>Only what is certain counts. A lambda or a local function runs some time later, so the scopes around its
/// text are not the scopes around its run. A guard that the code mentions once more may have been left there. A flowing
/// scope counts only where the flow is certain.</remarks>
internal static class ScopeRegions
{
    /// <summary>The active scopes, the innermost first.</summary>
    internal static IEnumerable<EnteredScope> Around(IOperation operation, AllotApi api)
    {
        EnteredScope[] entered = [.. Entered(operation, api)];
        return entered.Any(scope => scope.Flows) && MayLoseFlow(operation)
            ? entered.Where(scope => !scope.Flows)
            : entered;
    }

    /// <summary>Those that are active in every configuration, so that code can rely on them that is written for all.
    /// </summary>
    internal static IEnumerable<EnteredScope> AlwaysAround(IOperation operation, AllotApi api) =>
        ConditionalCode.IsIn(BodyOf(operation).Syntax) ? [] : Around(operation, api);

    private static IEnumerable<EnteredScope> Entered(IOperation operation, AllotApi api)
    {
        IOperation child = operation;
        for (IOperation? parent = operation.Parent; parent is not null; child = parent, parent = parent.Parent)
        {
            if (parent is IAnonymousFunctionOperation or ILocalFunctionOperation) yield break;

            IEnumerable<EnteredScope> entered = parent switch
            {
                IUsingOperation statement when child == statement.Body => EnteredBy(statement.Resources, api),
                IBlockOperation block => EnteredBefore(block, child, operation, api),
                _ => [],
            };
            foreach (EnteredScope scope in entered) yield return scope;
        }
    }

    private static IEnumerable<EnteredScope> EnteredBefore(
        IBlockOperation block, IOperation child, IOperation operation, AllotApi api)
    {
        int end = block.Operations.IndexOf(child);
        for (int at = end - 1; at >= 0; at--)
        {
            IEnumerable<EnteredScope> entered = block.Operations[at] switch
            {
                IUsingDeclarationOperation declaration => EnteredBy(declaration.DeclarationGroup, api),
                IVariableDeclarationGroupOperation group
                    when at == end - 1 && child is ITryOperation { Finally: { } last }
                        && !last.Syntax.Span.Contains(operation.Syntax.Span) =>
                    EnteredBy(group, api, left: last),
                _ => [],
            };
            foreach (EnteredScope scope in entered) yield return scope;
        }
    }

    // The only mention of a guard is its declaration, or the one that leaves it at the end.
    private static IEnumerable<EnteredScope> EnteredBy(IOperation resources, AllotApi api, IBlockOperation? left = null)
    {
        if (resources is not IVariableDeclarationGroupOperation group)
        {
            if (api.ScopeEnteredBy(resources) is { } scope) yield return scope;
            yield break;
        }

        foreach (IVariableDeclaratorOperation declarator in group.Declarations.SelectMany(one => one.Declarators))
        {
            if (api.ScopeEnteredBy(declarator.GetVariableInitializer()?.Value) is not { } scope) continue;

            ILocalReferenceOperation[] mentions = [.. MentionsOf(declarator.Symbol, group)];
            bool isLeftAtTheEnd = left is null
                ? mentions.Length == 0
                : mentions.Length == 1 && IsDisposed(mentions[0], left);
            if (isLeftAtTheEnd) yield return scope;
        }
    }

    private static IEnumerable<ILocalReferenceOperation> MentionsOf(ILocalSymbol local, IOperation within) =>
        BodyOf(within).Descendants().OfType<ILocalReferenceOperation>()
            .Where(mention => SymbolEqualityComparer.Default.Equals(mention.Local, local));

    private static bool IsDisposed(ILocalReferenceOperation mention, IBlockOperation last) =>
        mention.Parent is IInvocationOperation { TargetMethod.Name: "Dispose" } call
        && call.Parent is IExpressionStatementOperation { Parent: { } block } && block == last;

    private static bool MayLoseFlow(IOperation operation) => Flow.MayBreakIn(
        BodyOf(operation).Syntax,
        operation.SemanticModel?.GetEnclosingSymbol(operation.Syntax.SpanStart) as IMethodSymbol);

    private static IOperation BodyOf(IOperation operation)
    {
        while (operation.Parent is not null) operation = operation.Parent;
        return operation;
    }
}
