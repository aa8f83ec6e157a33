using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Operations;

namespace Allot.Analyzers.Chains;

/// <summary>Finds who uses the methods with flags, by their names: calls are kept, any other use of the name hinders,
/// because it may mean the method with its parameters.</summary>
internal sealed class FlagReferences(
    FlagMethods methods, Compilation compilation, CancellationToken cancellationToken)
{
    private readonly ILookup<string, FlagMethod> _named = methods.All.ToLookup(method => method.Symbol.Name);

    internal void Find()
    {
        foreach (SyntaxTree tree in compilation.SyntaxTrees)
        {
            SyntaxNode root = tree.GetRoot(cancellationToken);
            foreach (string word in ConditionalCode.WordsNotCompiled(root))
            {
                HinderAll(word, "code of another configuration has its name");
            }

            SemanticModel? model = null;
            foreach (SyntaxNode node in root.DescendantNodes(descendIntoTrivia: true))
            {
                if (node is LiteralExpressionSyntax { Token: { RawKind: (int)SyntaxKind.StringLiteralToken } text })
                {
                    HinderAll(text.ValueText, "a text is its name, by which it may be called");
                }
                else if (node is SimpleNameSyntax name && _named.Contains(name.Identifier.ValueText))
                {
                    Read(name, model ??= compilation.GetSemanticModel(tree));
                }
            }
        }
    }

    /// <summary>The member that the code is in.</summary>
    internal static string PlaceOf(SyntaxNode node, SemanticModel model, CancellationToken cancellationToken)
    {
        ISymbol? symbol = model.GetEnclosingSymbol(node.SpanStart, cancellationToken);
        while (symbol is IMethodSymbol { MethodKind: MethodKind.LambdaMethod or MethodKind.LocalFunction })
        {
            symbol = symbol.ContainingSymbol;
        }

        return symbol is null ? "a caller"
            : symbol is IMethodSymbol { AssociatedSymbol: { } member } ? member.Name
            : symbol.Name;
    }

    private void HinderAll(string name, string obstacle)
    {
        foreach (FlagMethod method in _named[name]) method.Hinder(obstacle);
    }

    private void Read(SimpleNameSyntax name, SemanticModel model)
    {
        SymbolInfo info = model.GetSymbolInfo(name, cancellationToken);
        IEnumerable<ISymbol> symbols = info.Symbol is { } symbol ? new[] { symbol } : info.CandidateSymbols;
        FlagMethod[] meant = [.. symbols.Select(methods.Find).OfType<FlagMethod>().Distinct()];
        if (name.FirstAncestorOrSelf<CrefSyntax>() is { } cref)
        {
            bool hasParameters = cref.DescendantNodesAndSelf().Any(node => node is CrefParameterListSyntax);
            foreach (FlagMethod method in meant.Where(_ => hasParameters))
            {
                method.Hinder("documentation refers to it with its parameters");
            }

            return;
        }

        if (name.IsPartOfStructuredTrivia()) return;

        // Not known to the compiler before the code runs.
        if (!symbols.Any()) HinderAll(name.Identifier.ValueText, "its name is used in a way that is not understood");

        ISymbol[] possible =
        [
            .. model.GetMemberGroup(name, cancellationToken).Concat(symbols).Select(FlagMethods.Definition)
                .Distinct(SymbolEqualityComparer.Default),
        ];
        if (possible.Length > 1)
        {
            foreach (FlagMethod method in possible.Select(methods.Find).OfType<FlagMethod>())
            {
                method.Hinder($"there is another method '{method.Symbol.Name}'");
            }
        }

        foreach (FlagMethod method in meant)
        {
            if (GeneratedCode.Is(name.SyntaxTree, cancellationToken)) method.Hinder("generated code uses it");
            if (CallOf(name, model) is { } call) Read(method, call, model);
            else method.Hinder("it is named where it is not called");
        }
    }

    private IInvocationOperation? CallOf(SimpleNameSyntax name, SemanticModel model)
    {
        ExpressionSyntax called = name;
        while (called.Parent is MemberAccessExpressionSyntax access && access.Name == called) called = access;
        if (called.Parent is MemberBindingExpressionSyntax binding) called = binding;
        return called.Parent is InvocationExpressionSyntax invocation && invocation.Expression == called
            ? model.GetOperation(invocation, cancellationToken) as IInvocationOperation
            : null;
    }

    private void Read(FlagMethod method, IInvocationOperation operation, SemanticModel model)
    {
        string place = PlaceOf(operation.Syntax, model, cancellationToken);
        var call = new FlagCall(operation, model, place);
        method.Calls.Add(call);

        IArgumentOperation? argument =
            operation.Arguments.FirstOrDefault(candidate => candidate.Parameter?.Name == method.Parameter.Name);
        if (argument is null || call.Syntax.ArgumentList.ContainsDirectives)
        {
            method.Hinder($"the call in '{place}' is not understood");
            return;
        }

        call.Argument = argument.ArgumentKind == ArgumentKind.Explicit ? argument.Syntax as ArgumentSyntax : null;
        if (methods.Api.TryGetConstant(argument.Value, out ulong flags))
        {
            call.Flags = flags;
        }
        else if (AllotApi.Strip(argument.Value) is IParameterReferenceOperation reference
            && methods.Find(reference.Parameter.ContainingSymbol) is { } caller)
        {
            call.Caller = caller;
        }
        else
        {
            method.Hinder($"'{place}' passes flags that are not constant");
        }
    }
}
