using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Operations;

namespace Allot.Analyzers.Chains;

/// <summary>
/// All methods of a compilation with a flags parameter, and which of them can do without it: their outermost callers
/// enter a scope instead.
/// </summary>
/// <remarks>
/// <para>Built in steps, each over all methods: what the body does with the flags; who calls it; what stands in the way
/// of a scope. Then methods are taken out that are called with the flags of one that keeps its own, until none is left
/// to take out: with what remains, each method has only callers that know their flags, or that lose theirs too.</para>
/// <para>The proof of one conversion: the call passed v, and v = Kernel &amp; ~R where R is what the scope removes. At
/// the end of the chain is a method of Allot, or one that asks <c>AllocationContext</c>; with A for the scopes that are
/// active anyway, it went by v &amp; ~A, and now goes by Kernel &amp; ~R &amp; ~A, the same.</para>
/// </remarks>
internal sealed class FlagMethods
{
    private const string RunsLater = "part of it runs after the call, when a scope of the caller has ended";

    private readonly Dictionary<ISymbol, FlagMethod> _methods = new(SymbolEqualityComparer.Default);
    private readonly Compilation _compilation;
    private readonly AllotApi _api;
    private readonly CancellationToken _cancellationToken;

    // By the permissions that the scope removes.
    private readonly Dictionary<ulong, CodeInScope> _codeInScope = [];

    private FlagMethods(Compilation compilation, AllotApi api, CancellationToken cancellationToken)
    {
        _compilation = compilation;
        _api = api;
        _cancellationToken = cancellationToken;
    }

    internal IEnumerable<FlagMethod> All => _methods.Values;

    internal AllotApi Api => _api;

    internal static FlagMethods Of(Compilation compilation, AllotApi api, CancellationToken cancellationToken)
    {
        var methods = new FlagMethods(compilation, api, cancellationToken);
        methods.FindDeclarations();
        foreach (FlagMethod method in methods.All) methods.ReadBody(method);
        methods.FindFlow();
        if (methods._methods.Count > 0) new FlagReferences(methods, compilation, cancellationToken).Find();
        foreach (FlagMethod method in methods.All) methods.FindObstacles(method);
        methods.TakeOutDependents();
        return methods;
    }

    internal FlagMethod? Find(ISymbol? method) =>
        method is not null && _methods.TryGetValue(Definition(method), out FlagMethod? found) ? found : null;

    /// <summary>The method with all that its flags come from or go to, as far as they can be converted.</summary>
    internal IReadOnlyCollection<FlagMethod> ChainOf(FlagMethod start)
    {
        var chain = new HashSet<FlagMethod>();
        var open = new Stack<FlagMethod>();
        open.Push(start);
        while (open.Count > 0)
        {
            FlagMethod method = open.Pop();
            if (!IsConvertible(method) || !chain.Add(method)) continue;
            foreach (FlagCall call in method.Calls.Where(call => call.Caller is not null)) open.Push(call.Caller!);
            foreach (Handover handover in method.Handovers)
            {
                if (Find(handover.Target) is { } next) open.Push(next);
            }
        }

        return chain;
    }

    internal static bool IsConvertible(FlagMethod method) => method.OnlyHandsThrough && method.Obstacle is null;

    /// <summary>The method as it is declared: not constructed, not reduced to its receiver.</summary>
    internal static ISymbol Definition(ISymbol symbol) =>
        (symbol is IMethodSymbol { ReducedFrom: { } extension } ? extension : symbol).OriginalDefinition;

    private void FindDeclarations()
    {
        foreach (SyntaxTree tree in _compilation.SyntaxTrees)
        {
            SemanticModel? model = null;
            SyntaxNode root = tree.GetRoot(_cancellationToken);
            foreach (ParameterSyntax syntax in root.DescendantNodes().OfType<ParameterSyntax>())
            {
                if (!NamesFlags(syntax.Type)) continue;
                if (syntax.Parent?.Parent is not MethodDeclarationSyntax declaration) continue;

                model ??= _compilation.GetSemanticModel(tree);
                if (model.GetDeclaredSymbol(declaration, _cancellationToken) is { } symbol
                    && symbol.Parameters.Count(parameter => _api.IsFlags(parameter.Type)) == 1)
                {
                    IParameterSymbol parameter = symbol.Parameters.First(parameter => _api.IsFlags(parameter.Type));
                    _methods[symbol] = new FlagMethod(symbol, parameter, declaration, model);
                }
            }
        }
    }

    private static bool NamesFlags(TypeSyntax? type) => type switch
    {
        QualifiedNameSyntax qualified => qualified.Right.Identifier.Text == "AllocationFlags",
        AliasQualifiedNameSyntax alias => alias.Name.Identifier.Text == "AllocationFlags",
        SimpleNameSyntax name => name.Identifier.Text == "AllocationFlags",
        _ => false,
    };

    private void ReadBody(FlagMethod method)
    {
        if (method.Model.GetOperation(method.Declaration, _cancellationToken) is not { } body) return;

        foreach (IParameterReferenceOperation use in body.Descendants().OfType<IParameterReferenceOperation>())
        {
            if (!SymbolEqualityComparer.Default.Equals(use.Parameter, method.Parameter)) continue;
            if (IsInFunction(use)) method.Doubt = RunsLater;

            IOperation value = WithAttributes(use, out ulong added);
            if (value.Parent is not IArgumentOperation { Parameter: { RefKind: RefKind.None } parameter } argument
                || !_api.TakesFlags(parameter)
                || argument.Syntax is not ArgumentSyntax syntax)
            {
                method.IsInspected = true;
            }
            else if (parameter.ContainingSymbol is not IMethodSymbol target)
            {
                method.IsInspected = true;
            }
            else if (target is { ContainingType.Name: "AllocationContext", Name: "Apply" or "MightAllocate" }
                && _api.IsAllot(target))
            {
                method.IsApplied = true;
            }
            else
            {
                method.Handovers.Add(new Handover(syntax, (IMethodSymbol)Definition(target), parameter, added));
            }
        }

        if (IsIterator(method.Declaration)) method.Doubt = RunsLater;
        else if (ConditionalCode.IsIn(method.Declaration)) method.Doubt = "part of it is compiled conditionally";
        else if (Flow.MayBreakIn(method.Declaration, method.Symbol)) method.Doubt = "scopes may not flow through it";
        else if (HasDirectives(method)) method.Doubt = "directives stand among its parameters or arguments";
    }

    // They could go with the parameter, or with an argument.
    private static bool HasDirectives(FlagMethod method) =>
        method.Declaration.ParameterList.ContainsDirectives
        || method.Handovers.Any(handover => handover.Argument.Parent is { ContainsDirectives: true });

    // `flags` or `flags | AllocationFlags.Zero`.
    private IOperation WithAttributes(IOperation flags, out ulong added)
    {
        added = 0;
        IOperation value = flags;
        while (value.Parent is IBinaryOperation { OperatorKind: BinaryOperatorKind.Or } or)
        {
            IOperation other = or.LeftOperand == value ? or.RightOperand : or.LeftOperand;
            if (!_api.TryGetConstant(other, out ulong bits) || (bits & ~_api.Attributes) != 0) break;
            added |= bits;
            value = or;
        }

        return value;
    }

    private static bool IsInFunction(IOperation operation)
    {
        for (IOperation? parent = operation.Parent; parent is not null; parent = parent.Parent)
        {
            if (parent is IAnonymousFunctionOperation or ILocalFunctionOperation) return true;
        }

        return false;
    }

    private static bool IsIterator(MethodDeclarationSyntax declaration) =>
        declaration
            .DescendantNodes(node => node is not (AnonymousFunctionExpressionSyntax or LocalFunctionStatementSyntax))
            .Any(node => node is YieldStatementSyntax);

    private void FindFlow()
    {
        foreach (FlagMethod method in All)
        {
            method.NeedsFlow = method.Symbol.IsAsync || Flow.IsTaskLike(method.Symbol.ReturnType)
                || method.Handovers.Any(handover => Flow.IsTaskLike(handover.Target.ReturnType));
        }

        bool changed = true;
        while (changed)
        {
            changed = false;
            foreach (FlagMethod method in All.Where(method => !method.NeedsFlow))
            {
                if (!method.Handovers.Any(handover => Find(handover.Target) is { NeedsFlow: true })) continue;
                method.NeedsFlow = true;
                changed = true;
            }
        }
    }

    private void FindObstacles(FlagMethod method)
    {
        if (!method.OnlyHandsThrough) return;

        method.Hinder(SignatureObstacles.Of(method, _compilation));
        if (GeneratedCode.Is(method.Declaration.SyntaxTree, _cancellationToken)) method.Hinder("it is generated code");
        method.Hinder(method.Doubt);
        foreach (Handover handover in method.Handovers)
        {
            if (!EndsInAllot(handover.Target, new HashSet<ISymbol>(SymbolEqualityComparer.Default)))
            {
                method.Hinder($"'{handover.Target.Name}' does not go by the context alone");
            }
        }

        foreach (FlagCall call in method.Calls)
        {
            if (call.Flags is not null) method.Hinder(ObstacleOfScope(method, call));
            method.Hinder(SignatureObstacles.OfOverloads(call));
        }
    }

    /// <summary>Whether all that becomes of the flags of the method goes by the context of its caller too: it looks at
    /// them nowhere itself, on no other thread and at no other time.</summary>
    internal bool GoesByContext(IMethodSymbol target, out bool needsFlow)
    {
        needsFlow = Find(target) is { NeedsFlow: true };
        return EndsInAllot(
            (IMethodSymbol)Definition(target), new HashSet<ISymbol>(SymbolEqualityComparer.Default));
    }

    // Whether the flags end where the context is applied to them, whichever way they take.
    private bool EndsInAllot(IMethodSymbol target, HashSet<ISymbol> seen)
    {
        if (!seen.Add(target)) return true;
        if (Find(target) is not { } method)
        {
            return _api.IsAllot(target) && SignatureObstacles.IsFixedAtCompileTime(target)
                && !SymbolEqualityComparer.Default.Equals(target.ContainingAssembly, _compilation.Assembly);
        }

        return method is { IsInspected: false, Doubt: null }
            && (method.IsApplied || method.Handovers.Count > 0)
            && !SignatureObstacles.HasAttributes(target)
            && SignatureObstacles.IsFixedAtCompileTime(target)
            && method.Handovers.All(handover => EndsInAllot(handover.Target, seen));
    }

    private string? ObstacleOfScope(FlagMethod method, FlagCall call)
    {
        ulong flags = call.Flags!.Value;
        ulong removed = _api.Kernel & ~flags;
        ulong extra = flags & ~_api.Kernel;
        if ((extra & _api.Attributes) != 0)
        {
            return $"the flags that '{call.Place}' passes are also attributes of the memory";
        }

        string? scope = removed == 0 ? null : _api.ScopeThatRemoves(removed);
        if (extra != 0 || (removed != 0 && scope is null))
        {
            return $"no scope means what the flags in '{call.Place}' mean";
        }

        if (scope is null) return null;

        string type = method.NeedsFlow ? "FlowingScope" : "AllocationScope";
        if (!_api.HasScope(type, scope)) return $"there is no asynchronous scope like the flags in '{call.Place}'";
        if (IsImplied(call, removed, method.NeedsFlow)) return null;

        call.Scope = $"{type}.{scope}";
        if (!_codeInScope.TryGetValue(removed, out CodeInScope? code))
        {
            _codeInScope[removed] = code = new CodeInScope(_compilation, _api, removed, _cancellationToken);
        }

        return ScopePlaces.ObstacleOf(call, method, code)
            ?? code.ObstacleBelow(method.Symbol)
            ?? code.ObstacleOfFilters();
    }

    private bool IsImplied(FlagCall call, ulong removed, bool needsFlow)
    {
        ulong active = 0;
        foreach (EnteredScope scope in ScopeRegions.AlwaysAround(call.Operation, _api))
        {
            if (!needsFlow || scope.Flows) active |= scope.RemovedBits;
        }

        return (removed & ~active) == 0;
    }

    private void TakeOutDependents()
    {
        bool changed = true;
        while (changed)
        {
            changed = false;
            foreach (FlagMethod method in All.Where(IsConvertible))
            {
                FlagMethod? keeper = method.Calls.Select(call => call.Caller)
                    .FirstOrDefault(caller => caller is not null && !IsConvertible(caller));
                if (keeper is null) continue;

                method.Hinder(keeper.Obstacle is { } why
                    ? $"'{keeper.Symbol.Name}' hands its own flags to it and keeps them: {why}"
                    : $"'{keeper.Symbol.Name}' does more with its flags than to hand them to it");
                changed = true;
            }
        }
    }
}
