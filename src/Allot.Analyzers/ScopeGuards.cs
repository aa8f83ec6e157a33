using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace Allot.Analyzers;

/// <summary>The calls of Allot that enter a scope and return the guard that leaves it.</summary>
internal static class ScopeGuards
{
    internal static bool IsEntered(IInvocationOperation call, AllotApi api) =>
        api.IsAllot(call.TargetMethod)
        && call.TargetMethod.MethodKind is MethodKind.Ordinary or MethodKind.ReducedExtension
        && IsGuard(call.TargetMethod.ReturnType);

    /// <summary>A type that is named a scope and is disposed, or what a lock with a scope hands out.</summary>
    private static bool IsGuard(ITypeSymbol type) =>
        type is INamedTypeSymbol { IsStatic: false } named
        && (named.Name.EndsWith("Scope", StringComparison.Ordinal) || named.ContainingType?.Name == "ScopedLock")
        && named.GetMembers("Dispose").OfType<IMethodSymbol>().Any(method => method.Parameters.IsEmpty);
}
