using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Operations;

namespace Allot.Analyzers.Chains;

/// <summary>What else would be inside of a new scope than the flags that it replaces: the rest of the statement that
/// the scope goes around, and all that the called method does.</summary>
/// <remarks>Only what is known may be there: <see cref="PlainOperations"/>, members of the framework that
/// <see cref="FrameworkCode"/> lists, and below the call also calls to Allot with flags that the scope does not change,
/// and members of the project that the compiler binds for certain, which are followed. Everything else is a reason not
/// to convert.</remarks>
internal sealed class CodeInScope(
    Compilation compilation, AllotApi api, ulong removed, CancellationToken cancellationToken)
{
    private const int MembersMax = 1000;

    private readonly PlainOperations _plain = new(new FrameworkCode(compilation));
    private readonly HashSet<ISymbol> _seen = new(SymbolEqualityComparer.Default);
    private readonly Dictionary<ISymbol, string?> _below = new(SymbolEqualityComparer.Default);
    private (bool IsRead, string? Obstacle) _filters;

    /// <summary>Why the statement of a call cannot be inside of the scope.</summary>
    internal string? ObstacleAround(FlagCall call, IOperation statement)
    {
        _seen.Clear();
        return ObstacleIn(statement, call, call.Place);
    }

    /// <summary>Why what the method does cannot be inside of the scope.</summary>
    internal string? ObstacleBelow(IMethodSymbol method)
    {
        if (_below.TryGetValue(method, out string? obstacle)) return obstacle;

        _seen.Clear();
        return _below[method] = ObstacleOf(method);
    }

    /// <summary>An exception filter that does more than to look: it runs before the scopes below it are left.</summary>
    internal string? ObstacleOfFilters()
    {
        if (!_filters.IsRead) _filters = (true, ReadFilters());
        return _filters.Obstacle;
    }

    private string? ReadFilters()
    {
        _seen.Clear();
        foreach (SyntaxTree tree in compilation.SyntaxTrees)
        {
            foreach (CatchFilterClauseSyntax filter in tree.GetRoot(cancellationToken).DescendantNodes()
                .OfType<CatchFilterClauseSyntax>())
            {
                SemanticModel model = compilation.GetSemanticModel(tree);
                string member = FlagReferences.PlaceOf(filter, model, cancellationToken);
                if (model.GetOperation(filter.FilterExpression, cancellationToken) is not { } operation
                    || ObstacleIn(operation, around: null, member) is not null)
                {
                    return $"the exception filter in '{member}' may run inside of the scope";
                }
            }
        }

        return null;
    }

    private string? ObstacleIn(IOperation operation, FlagCall? around, string member)
    {
        cancellationToken.ThrowIfCancellationRequested();

        // Declared here, run where it is called, which is followed; a name only.
        if (operation is ILocalFunctionOperation or INameOfOperation) return null;

        bool follows = around is null;
        (string? what, string? obstacle) = operation switch
        {
            IInvocationOperation call when call.Syntax == around?.Syntax => default,
            IInvocationOperation { TargetMethod: var target } call when api.IsAllot(target) && !IsOfProject(target) =>
                (follows && IsUnchanged(call) ? null : target.Name, null),
            IInvocationOperation { TargetMethod: var target } call =>
                Use(target, target, call.Arguments, call.Instance, follows),
            IObjectCreationOperation { Constructor: { } constructor } creation =>
                Use(constructor, constructor, creation.Arguments, instance: null, follows, creation.Type!.Name),
            IPropertyReferenceOperation reference => UseOfProperty(reference, follows),
            IFieldReferenceOperation { Field: { IsStatic: true, IsConst: false } field } => UseOfStatic(field),
            _ => (IsKnown(operation, around) ? null : PlainOperations.NameOf(operation), null),
        };
        if (what is not null)
        {
            return follows
                ? $"'{member}' also runs '{what}', which the scope may restrict too"
                : $"'{what}' in '{member}' would be inside of the scope too";
        }

        if (obstacle is not null) return obstacle;

        foreach (IOperation child in operation.ChildOperations)
        {
            if (ObstacleIn(child, around, member) is { } inner) return inner;
        }

        return null;
    }

    private bool IsOfProject(ISymbol symbol) =>
        SymbolEqualityComparer.Default.Equals(symbol.ContainingAssembly, compilation.Assembly);

    // What a member of the project does is part of what its caller does; others are known or not.
    private (string? What, string? Obstacle) Use(
        ISymbol member,
        IMethodSymbol? code,
        IEnumerable<IArgumentOperation> arguments,
        IOperation? instance,
        bool follows,
        string? name = null)
    {
        if (IsOfProject(member))
        {
            return follows && code is not null && SignatureObstacles.IsFixedAtCompileTime(code)
                ? (null, ObstacleOf(code))
                : (name ?? member.Name, null);
        }

        // What a constructor makes is as it says, also when it is the base of something else.
        IEnumerable<IOperation?> values = arguments.Select(argument => argument.Value);
        if (code?.MethodKind != MethodKind.Constructor) values = values.Append(instance);
        return _plain.Framework.IsQuiet(member, values) ? default : (name ?? member.Name, null);
    }

    // Which of its accessors run is not asked: both.
    private (string? What, string? Obstacle) UseOfProperty(IPropertyReferenceOperation reference, bool follows)
    {
        IPropertySymbol property = reference.Property;
        (string? What, string? Obstacle) found =
            Use(property, property.GetMethod ?? property.SetMethod, reference.Arguments, reference.Instance, follows);
        return found is (null, null) && property is { GetMethod: not null, SetMethod: { } setter }
            ? Use(property, setter, reference.Arguments, reference.Instance, follows)
            : found;
    }

    private (string? What, string? Obstacle) UseOfStatic(IFieldSymbol field) =>
        IsOfProject(field) ? (null, ObstacleOfStatics(field.ContainingType))
        : api.IsAllot(field) || _plain.Framework.IsQuiet(field, []) ? default
        : (field.Name, null);

    private bool IsKnown(IOperation operation, FlagCall? around) => operation switch
    {
        IArgumentOperation argument when api.TakesFlags(argument.Parameter) => IsUnchanged(argument.Value),
        IAssignmentOperation { Target: var target } when api.IsFlags(target.Type) => false,
        IAwaitOperation await => _plain.Framework.IsAwaitable(await.Operation.Type)
            && (around is null || await.Operation.Syntax.Span.Contains(around.Syntax.Span)),
        IUsingOperation statement => IsOfAllot(statement.Resources),
        IUsingDeclarationOperation declaration => IsOfAllot(declaration.DeclarationGroup),
        _ => _plain.Contains(operation),
    };

    // Whoever is given these flags asks for the same with the scope as without it: they are constant and have nothing
    // that the scope takes, or they are the parameter of a method that was followed, whose call was looked at.
    private bool IsUnchanged(IOperation flags)
    {
        if (api.TryGetConstant(flags, out ulong bits)) return (bits & removed) == 0;
        return flags switch
        {
            IParameterReferenceOperation { Parameter: { RefKind: RefKind.None, ContainingSymbol: var member } } =>
                member is IMethodSymbol { MethodKind: not MethodKind.Constructor } && _seen.Contains(member),
            IBinaryOperation { OperatorKind: BinaryOperatorKind.Or } or =>
                IsUnchanged(or.LeftOperand) && IsUnchanged(or.RightOperand),
            _ => false,
        };
    }

    // Methods of Allot that are given flags go by these, and these are looked at; the ones that enter a scope allocate
    // nothing, and end what they have begun. What a delegate does that they are given is not known.
    private bool IsUnchanged(IInvocationOperation ofAllot) =>
        ofAllot.TargetMethod is { } method
        && (method.Parameters.Any(api.TakesFlags) || AllotApi.IsScopeType(method.ContainingType)
            || method.Name is "Dispose" or "Uncharge")
        && SignatureObstacles.IsFixedAtCompileTime(method)
        && ofAllot.Arguments.All(argument => argument.Value.Type?.TypeKind != TypeKind.Delegate);

    private bool IsOfAllot(IOperation resources) => resources is IVariableDeclarationGroupOperation group
        ? group.Declarations.SelectMany(declaration => declaration.Declarators)
            .All(declarator => IsOfAllot(declarator.Symbol.Type))
        : IsOfAllot(resources.Type);

    private bool IsOfAllot(ITypeSymbol? type) =>
        api.IsAllot(type) && type is { IsValueType: true } or { IsSealed: true };

    private string? ObstacleOf(IMethodSymbol method)
    {
        var definition = (IMethodSymbol)FlagMethods.Definition(method);
        definition = definition.PartialImplementationPart ?? definition;
        if (!_seen.Add(definition)) return null;

        bool isConstructor = definition.MethodKind == MethodKind.Constructor;
        string name = isConstructor ? definition.ContainingType.Name : definition.Name;
        string unknown = $"what '{name}' does is not known";
        if (_seen.Count > MembersMax || definition.IsExtern || definition.IsAbstract) return unknown;

        if (isConstructor || definition.IsStatic)
        {
            if (ObstacleOfStatics(definition.ContainingType) is { } obstacle) return obstacle;
        }

        if (isConstructor)
        {
            if (ObstacleOfConstruction(definition.ContainingType, unknown) is { } obstacle) return obstacle;
            if (definition.IsImplicitlyDeclared) return null;
        }

        foreach (SyntaxReference reference in definition.DeclaringSyntaxReferences)
        {
            if (ObstacleOf(reference.GetSyntax(cancellationToken), name) is { } obstacle) return obstacle;
        }

        return definition.DeclaringSyntaxReferences.IsEmpty ? unknown : null;
    }

    private string? ObstacleOf(SyntaxNode code, string name)
    {
        // The field behind the property, and nothing else.
        if (code is AccessorDeclarationSyntax { Body: null, ExpressionBody: null }) return null;

        // An iterator runs when somebody asks it; a type that is its own constructor is not read.
        if (code is TypeDeclarationSyntax
            || ConditionalCode.IsIn(code)
            || compilation.GetSemanticModel(code.SyntaxTree).GetOperation(code, cancellationToken) is not { } body)
        {
            return $"what '{name}' does is not known";
        }

        return body is ILocalFunctionOperation { Body: { } inner }
            ? ObstacleIn(inner, around: null, name)
            : ObstacleIn(body, around: null, name);
    }

    // What runs before the body of a constructor.
    private string? ObstacleOfConstruction(INamedTypeSymbol type, string unknown)
    {
        bool isPlain = !type.IsRecord && (type.IsValueType || type.BaseType is { } parent
            && (parent.SpecialType == SpecialType.System_Object || _plain.Framework.IsException(parent)));
        return isPlain ? ObstacleOfInitializers(type, isStatic: false) : unknown;
    }

    // What may run before the first use of a type.
    private string? ObstacleOfStatics(INamedTypeSymbol type)
    {
        type = type.OriginalDefinition;
        if (!IsOfProject(type) || !_seen.Add(type)) return null;

        foreach (IMethodSymbol constructor in type.StaticConstructors.Where(symbol => !symbol.IsImplicitlyDeclared))
        {
            SyntaxNode code = constructor.DeclaringSyntaxReferences[0].GetSyntax(cancellationToken);
            if (ObstacleOf(code, type.Name) is { } obstacle) return obstacle;
        }

        return ObstacleOfInitializers(type, isStatic: true);
    }

    private string? ObstacleOfInitializers(INamedTypeSymbol type, bool isStatic)
    {
        foreach (SyntaxReference reference in type.DeclaringSyntaxReferences)
        {
            if (reference.GetSyntax(cancellationToken) is not TypeDeclarationSyntax declaration) continue;

            foreach (MemberDeclarationSyntax member in declaration.Members)
            {
                if (member.Modifiers.Any(SyntaxKind.StaticKeyword) != isStatic) continue;

                IEnumerable<EqualsValueClauseSyntax?> initializers = member switch
                {
                    BaseFieldDeclarationSyntax field => field.Declaration.Variables.Select(one => one.Initializer),
                    PropertyDeclarationSyntax property => new[] { property.Initializer },
                    _ => [],
                };
                foreach (EqualsValueClauseSyntax initializer in initializers.OfType<EqualsValueClauseSyntax>())
                {
                    if (ObstacleOf(initializer, type.Name) is { } obstacle) return obstacle;
                }
            }
        }

        return null;
    }
}
