using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Allot.Analyzers.Chains;

/// <summary>Whether the scopes that flow with asynchronous work stay with it.</summary>
internal static class Flow
{
    internal static bool IsTaskLike(ITypeSymbol type) =>
        type.Name is "Task" or "ValueTask"
        && type.ContainingNamespace?.ToDisplayString() == "System.Threading.Tasks";

    /// <summary>After a <c>yield</c> the caller's context runs the rest; a builder of another type of task may keep no
    /// context; and code that has the context in its hands can switch the flow off.</summary>
    internal static bool MayBreakIn(SyntaxNode body, IMethodSymbol? method) =>
        method is null
        || (method.IsAsync && !method.ReturnsVoid && !IsTaskLike(method.ReturnType))
        || body.DescendantNodes().Any(node => node is YieldStatementSyntax
            or IdentifierNameSyntax { Identifier.ValueText: "SuppressFlow" or "ExecutionContext" });
}
