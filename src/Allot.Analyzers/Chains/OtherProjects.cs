using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Allot.Analyzers.Chains;

/// <summary>Keeps the flags of methods that other projects use: a conversion changes one project.</summary>
internal static class OtherProjects
{
    internal static void Hinder(
        FlagMethods methods,
        Compilation compilation,
        IReadOnlyCollection<Compilation> dependents,
        CancellationToken cancellationToken)
    {
        Dictionary<string, FlagMethod> shared = methods.All.Where(method => IsShared(method.Symbol))
            .GroupBy(method => method.Symbol.GetDocumentationCommentId()!)
            .ToDictionary(group => group.Key, group => group.First());
        if (shared.Count == 0) return;

        foreach (Compilation dependent in dependents) HinderUsedIn(dependent, shared, cancellationToken);

        string? unknown =
            FriendsOf(compilation).Except(dependents.Select(other => other.AssemblyName)).FirstOrDefault();
        if (unknown is null) return;
        foreach (FlagMethod method in shared.Values)
        {
            method.Hinder($"'{unknown}' sees the internals of the project, and is not open here");
        }
    }

    private static bool IsShared(IMethodSymbol method)
    {
        for (ISymbol? symbol = method; symbol is not null and not INamespaceSymbol; symbol = symbol.ContainingSymbol)
        {
            if (symbol.DeclaredAccessibility == Accessibility.Private) return false;
        }

        return true;
    }

    private static void HinderUsedIn(
        Compilation dependent, Dictionary<string, FlagMethod> shared, CancellationToken cancellationToken)
    {
        HashSet<string> names = [.. shared.Values.Select(method => method.Symbol.Name)];
        foreach (SyntaxTree tree in dependent.SyntaxTrees)
        {
            SemanticModel? model = null;
            SyntaxNode root = tree.GetRoot(cancellationToken);
            foreach (SimpleNameSyntax name in root.DescendantNodes().OfType<SimpleNameSyntax>())
            {
                if (!names.Contains(name.Identifier.ValueText)) continue;

                model ??= dependent.GetSemanticModel(tree);
                SymbolInfo info = model.GetSymbolInfo(name, cancellationToken);
                IEnumerable<ISymbol> symbols = info.Symbol is { } symbol ? new[] { symbol } : info.CandidateSymbols;
                foreach (ISymbol used in symbols)
                {
                    if (FlagMethods.Definition(used).GetDocumentationCommentId() is { } id
                        && shared.TryGetValue(id, out FlagMethod? method))
                    {
                        method.Hinder($"'{dependent.AssemblyName}' uses it");
                    }
                }
            }
        }
    }

    private static IEnumerable<string> FriendsOf(Compilation compilation) =>
        compilation.Assembly.GetAttributes()
            .Where(attribute => attribute.AttributeClass?.Name == "InternalsVisibleToAttribute")
            .Select(attribute => attribute.ConstructorArguments.FirstOrDefault().Value as string)
            .OfType<string>()
            .Select(name => name.Split(',')[0].Trim());
}
