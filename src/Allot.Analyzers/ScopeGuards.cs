using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace Allot.Analyzers;

/// <summary>The calls of Allot that enter a scope and return the guard that leaves it, and the awaits that do.
/// </summary>
internal static class ScopeGuards
{
    /// <summary>Whether the value is a new guard, or will be one when it is awaited: who drops that has taken a lock
    /// all the same.</summary>
    internal static bool IsEntered(IOperation value, AllotApi api) => value switch
    {
        IInvocationOperation { TargetMethod: var method } =>
            api.IsAllot(method)
            && method.MethodKind is MethodKind.Ordinary or MethodKind.ReducedExtension
            && (IsGuard(method.ReturnType) || IsGuardToBe(method.ReturnType)),
        IAwaitOperation { Operation.Type: { } awaited } => api.IsAllot(awaited) && IsGuardToBe(awaited),
        _ => false,
    };

    /// <summary>A type that is named a scope and is disposed, or what a lock with a scope hands out.</summary>
    private static bool IsGuard(ITypeSymbol type) =>
        type is INamedTypeSymbol { IsStatic: false } named
        && (named.Name.EndsWith("Scope", StringComparison.Ordinal) || ScopedLocks.IsLock(named.ContainingType))
        && named.GetMembers("Dispose").OfType<IMethodSymbol>().Any(method => method.Parameters.IsEmpty);

    private static bool IsGuardToBe(ITypeSymbol type) =>
        ScopedLocks.IsLock(type.ContainingType)
        && type.GetMembers("GetResult").OfType<IMethodSymbol>().Any(method => IsGuard(method.ReturnType));
}
