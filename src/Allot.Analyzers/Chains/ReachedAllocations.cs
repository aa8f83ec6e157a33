using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace Allot.Analyzers.Chains;

/// <summary>What else allocates below a call: with flags of its own that a scope around the call would now restrict,
/// or without flags.</summary>
/// <remarks>Follows calls into sources of the same compilation. What a delegate, a virtual method or another assembly
/// does is not seen: there, a restriction that comes too early is what scopes are for.</remarks>
internal sealed class ReachedAllocations(
    Compilation compilation, FlagMethods methods, CancellationToken cancellationToken)
{
    // Members of Allot that charge, and ask the context without being given flags.
    private static readonly ImmutableHashSet<string> s_charging = ImmutableHashSet.Create(
        "Charge", "ChargeAsync", "Hold", "Grow", "Resize", "Rent", "Allocate", "Pin", "CreateChild", "MightAllocate");

    private const int MethodsMax = 1000;

    private readonly HashSet<ISymbol> _seen = new(SymbolEqualityComparer.Default);

    internal string? ObstacleOf(FlagMethod method, ulong removed) => ObstacleOf(method.Symbol, removed);

    private string? ObstacleOf(IMethodSymbol method, ulong removed)
    {
        var definition = (IMethodSymbol)FlagMethods.Definition(method);
        if (_seen.Count >= MethodsMax || !_seen.Add(definition)) return null;

        foreach (SyntaxReference reference in definition.DeclaringSyntaxReferences)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!compilation.ContainsSyntaxTree(reference.SyntaxTree)) continue;

            SemanticModel model = compilation.GetSemanticModel(reference.SyntaxTree);
            if (model.GetOperation(reference.GetSyntax(cancellationToken), cancellationToken) is not { } body) continue;

            foreach (IOperation operation in body.Descendants())
            {
                if (ObstacleIn(operation, definition, removed) is { } obstacle) return obstacle;
            }
        }

        return null;
    }

    private string? ObstacleIn(IOperation operation, IMethodSymbol method, ulong removed)
    {
        AllotApi api = methods.Api;
        switch (operation)
        {
            case IArgumentOperation { Parameter: { } parameter } argument when api.TakesFlags(parameter):
                // An unknown value is either what was handed through, or looked at, which hinders elsewhere.
                return api.TryGetConstant(argument.Value, out ulong flags) && (flags & removed) != 0
                    ? Obstacle(method, parameter.ContainingSymbol)
                    : null;

            case IInvocationOperation { TargetMethod: { } target } call:
                if (api.IsAllot(target) && s_charging.Contains(target.Name)
                    && !target.Parameters.Any(parameter => api.IsFlags(parameter.Type)))
                {
                    return Obstacle(method, target);
                }

                return ObstacleOf(call.TargetMethod, removed);

            case IPropertyReferenceOperation { Property: var property }:
                return (property.GetMethod is { } getter ? ObstacleOf(getter, removed) : null)
                    ?? (property.SetMethod is { } setter ? ObstacleOf(setter, removed) : null);

            case IObjectCreationOperation { Constructor: { } constructor }:
                return ObstacleOf(constructor, removed);

            default:
                return null;
        }
    }

    private static string Obstacle(IMethodSymbol method, ISymbol called) =>
        $"'{method.Name}' also calls '{called.Name}', which the scope would restrict too";
}
