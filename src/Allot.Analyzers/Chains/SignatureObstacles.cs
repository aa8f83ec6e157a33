using Microsoft.CodeAnalysis;

namespace Allot.Analyzers.Chains;

/// <summary>Why the signature of a method cannot change: somebody else goes by it, or by the name of the method.
/// </summary>
internal static class SignatureObstacles
{
    // The compiler calls methods of these names without a call in the text, when their parameters allow it.
    private static readonly HashSet<string> s_calledByTheLanguage =
    [
        "Add", "AppendFormatted", "AppendLiteral", "Cast", "Deconstruct", "Dispose", "DisposeAsync", "Fixed",
        "GetAsyncEnumerator", "GetAwaiter", "GetEnumerator", "GetPinnableReference", "GetResult", "GroupBy",
        "GroupJoin", "Join", "Main", "MoveNext", "MoveNextAsync", "OnCompleted", "OrderBy", "OrderByDescending",
        "Select", "SelectMany", "Slice", "ThenBy", "ThenByDescending", "UnsafeOnCompleted", "Where",
    ];

    internal static string? Of(FlagMethod flagMethod, Compilation compilation)
    {
        IMethodSymbol method = flagMethod.Symbol;
        HashSet<Accessibility> levels = [.. AccessibilitiesOf(method)];
        if (!levels.Contains(Accessibility.Private))
        {
            bool isInternal = levels.Contains(Accessibility.Internal)
                || levels.Contains(Accessibility.ProtectedAndInternal);
            if (!isInternal) return "it is part of the public surface of its assembly";
            if (FriendOf(compilation) is { } friend) return $"'{friend}' sees the internals of the project";
        }

        if (method.IsAbstract || method.IsVirtual || method.IsOverride) return "it is virtual";
        if (method.ContainingType.TypeKind == TypeKind.Interface) return "it is a member of an interface";
        if (method.ExplicitInterfaceImplementations.Length > 0 || ImplementsInterface(method))
        {
            return "it implements an interface";
        }

        if (method is { DeclaredAccessibility: Accessibility.Public, ContainingType: { } type }
            && type is { TypeKind: TypeKind.Class, IsSealed: false, IsStatic: false })
        {
            return $"it is public, and a type derived from '{type.Name}' may implement an interface with it";
        }

        if (method.IsExtern || method.PartialDefinitionPart is not null || method.PartialImplementationPart is not null)
        {
            return "it is declared in more than one part";
        }

        if (flagMethod.Parameter.RefKind != RefKind.None) return "the flags are passed by reference";
        if (method.IsExtensionMethod && flagMethod.Parameter.Ordinal == 0) return "the flags are its receiver";
        if (HasAttributes(method)) return "it has attributes, which others may go by";
        if (s_calledByTheLanguage.Contains(method.Name)) return "the language calls methods of its name by itself";
        return IsOverloaded(method, compilation) ? $"there is another method '{method.Name}'" : null;
    }

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

    /// <summary>The compiler passes more than the call says, or others read what the method declares.</summary>
    internal static bool HasAttributes(IMethodSymbol method) =>
        method.GetAttributes().Concat(method.GetReturnTypeAttributes())
            .Concat(method.Parameters.SelectMany(parameter => parameter.GetAttributes()))
            .Any(attribute => attribute.AttributeClass is not { } type
                || (type.Name != "MethodImplAttribute"
                    && type.ContainingNamespace.ToDisplayString() != "System.Diagnostics.CodeAnalysis"));

    private static IEnumerable<Accessibility> AccessibilitiesOf(IMethodSymbol method)
    {
        for (ISymbol? symbol = method; symbol is not null and not INamespaceSymbol; symbol = symbol.ContainingSymbol)
        {
            yield return symbol.DeclaredAccessibility;
        }
    }

    private static string? FriendOf(Compilation compilation) =>
        compilation.Assembly.GetAttributes()
            .Where(attribute => attribute.AttributeClass?.Name == "InternalsVisibleToAttribute")
            .Select(attribute => attribute.ConstructorArguments.FirstOrDefault().Value as string)
            .OfType<string>()
            .Select(name => name.Split(',')[0].Trim())
            .FirstOrDefault();

    private static bool ImplementsInterface(IMethodSymbol method) =>
        method.ContainingType.AllInterfaces.SelectMany(type => type.GetMembers(method.Name)).Any(member =>
            IsSame(method.ContainingType.FindImplementationForInterfaceMember(member), method));

    // Calls of the others that are bound by their arguments could then mean this one, or hide it.
    private static bool IsOverloaded(IMethodSymbol method, Compilation compilation)
    {
        for (INamedTypeSymbol? type = method.ContainingType.BaseType; type is not null; type = type.BaseType)
        {
            if (!type.GetMembers(method.Name).IsEmpty) return true;
        }

        return compilation.GetSymbolsWithName(method.Name, SymbolFilter.Member).Any(other =>
            !IsSame(other, method)
            && (method.IsExtensionMethod || other is IMethodSymbol { IsExtensionMethod: true }
                || IsOrDerivesFrom(other.ContainingType, method.ContainingType)));
    }

    private static bool IsOrDerivesFrom(INamedTypeSymbol? type, INamedTypeSymbol from)
    {
        for (; type is not null; type = type.BaseType)
        {
            if (SymbolEqualityComparer.Default.Equals(type.OriginalDefinition, from.OriginalDefinition)) return true;
        }

        return false;
    }

    private static bool IsSame(ISymbol? one, ISymbol? other) => one is not null && other is not null
        && SymbolEqualityComparer.Default.Equals(FlagMethods.Definition(one), FlagMethods.Definition(other));
}
