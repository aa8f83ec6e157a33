using Microsoft.CodeAnalysis;

namespace Allot.Analyzers.Chains;

/// <summary>Why the signature of a method cannot change.</summary>
internal static class SignatureObstacles
{
    internal static string? Of(FlagMethod method) => Of(method.Symbol, method.Parameter);

    /// <summary>Without its flags, the call would be one of another overload.</summary>
    internal static string? OfOverloads(FlagCall call)
    {
        if (call.Argument is not { } argument) return null;

        ISymbol? meant = Overloads.WithoutArgument(call.Syntax, argument, call.Model);
        return meant is null || IsSame(meant, call.Operation.TargetMethod)
            ? null
            : $"without the flags the call in '{call.Place}' would be one of another overload";
    }

    /// <summary>No other method can run in its place.</summary>
    internal static bool IsFixedAtCompileTime(IMethodSymbol method) =>
        !method.IsVirtual && !method.IsAbstract && !(method.IsOverride && !method.IsSealed)
        && method.ContainingType.TypeKind != TypeKind.Interface;

    /// <summary>Other assemblies may call it.</summary>
    internal static bool IsVisibleOutside(IMethodSymbol method)
    {
        if (IsProgram(method)) return false;

        for (ISymbol? symbol = method; symbol is not null and not INamespaceSymbol; symbol = symbol.ContainingSymbol)
        {
            if (symbol.DeclaredAccessibility is Accessibility.Private or Accessibility.Internal
                or Accessibility.ProtectedAndInternal)
            {
                return false;
            }
        }

        return true;
    }

    private static string? Of(IMethodSymbol method, IParameterSymbol parameter)
    {
        if (IsVisibleOutside(method)) return "it is part of the public surface of its assembly";
        if (method.IsAbstract || method.IsVirtual || method.IsOverride) return "it is virtual";
        if (method.ExplicitInterfaceImplementations.Length > 0 || ImplementsInterface(method))
        {
            return "it implements an interface";
        }

        if (method.ContainingType.TypeKind == TypeKind.Interface) return "it is a member of an interface";
        if (method.IsExtern || method.PartialDefinitionPart is not null || method.PartialImplementationPart is not null)
        {
            return "it is declared in more than one part";
        }

        if (method.IsExtensionMethod && parameter.Ordinal == 0) return "the flags are its receiver";
        if (method.Name == "Main" && method.IsStatic) return "it is the entry point";

        bool collides = method.ContainingType.GetMembers(method.Name).OfType<IMethodSymbol>().Any(other =>
            !IsSame(other, method) && HasParametersWithout(other, method, parameter.Ordinal));
        return collides ? "there is an overload without the flags" : null;
    }

    private static bool IsProgram(IMethodSymbol method) =>
        method.ContainingAssembly is ISourceAssemblySymbol
        {
            Compilation.Options.OutputKind: OutputKind.ConsoleApplication or OutputKind.WindowsApplication,
        };

    private static bool ImplementsInterface(IMethodSymbol method) =>
        method.ContainingType.AllInterfaces.SelectMany(type => type.GetMembers(method.Name)).Any(member =>
            IsSame(method.ContainingType.FindImplementationForInterfaceMember(member), method));

    private static bool HasParametersWithout(IMethodSymbol other, IMethodSymbol method, int ordinal)
    {
        if (other.Parameters.Length != method.Parameters.Length - 1) return false;

        for (int at = 0; at < other.Parameters.Length; at++)
        {
            ITypeSymbol type = method.Parameters[at < ordinal ? at : at + 1].Type;
            if (!SymbolEqualityComparer.Default.Equals(type, other.Parameters[at].Type)) return false;
        }

        return true;
    }

    private static bool IsSame(ISymbol? one, ISymbol? other) => one is not null && other is not null
        && SymbolEqualityComparer.Default.Equals(FlagMethods.Definition(one), FlagMethods.Definition(other));
}
