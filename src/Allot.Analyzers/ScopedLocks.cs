using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Operations;

namespace Allot.Analyzers;

/// <summary>Which scope a lock carries, when its field says so: <c>readonly ScopedLock _gate =
/// new(AllocationRestrictions.NoFs);</c> in the same file, and nothing that may write to the field names it.</summary>
internal static class ScopedLocks
{
    private const string Async = "AsyncScopedLock";

    // The locks, and how each is taken.
    private static readonly ImmutableDictionary<string, ImmutableHashSet<string>> s_taking =
        ImmutableDictionary<string, ImmutableHashSet<string>>.Empty
            .Add("ScopedLock", ImmutableHashSet.Create("Enter"))
            .Add("ScopedReaderWriterLock", ImmutableHashSet.Create("EnterRead", "EnterWrite"))
            .Add(Async, ImmutableHashSet.Create("EnterAsync"));

    internal static bool IsLock(INamedTypeSymbol? type) => type is not null && s_taking.ContainsKey(type.Name);

    /// <summary>The call that takes the lock whose guard the value is; nothing when it is no such guard. A lock of
    /// asynchronous code is taken by awaiting that call, and not by the call.</summary>
    internal static IInvocationOperation? TakenBy(IOperation? value, AllotApi api)
    {
        bool isAwaited = value is IAwaitOperation;
        var call = (value is IAwaitOperation { Operation: var awaited } ? AllotApi.Strip(awaited) : value)
            as IInvocationOperation;
        if (isAwaited && call is { TargetMethod.Name: "ConfigureAwait", Instance: { } configured })
        {
            call = AllotApi.Strip(configured) as IInvocationOperation;
        }

        return call is { TargetMethod: { ContainingType.Name: var type } method }
            && api.IsAllot(method)
            && isAwaited == (type == Async)
            && s_taking.TryGetValue(type, out ImmutableHashSet<string>? taking)
            && taking.Contains(method.Name)
            ? call
            : null;
    }

    internal static EnteredScope? Carried(IInvocationOperation enter, AllotApi api)
    {
        if (AllotApi.Strip(enter.Instance) is not IFieldReferenceOperation { Field: { IsReadOnly: true } field }
            || MayBeReplaced(field)
            || enter.SemanticModel is not { } model
            || field.DeclaringSyntaxReferences.FirstOrDefault()?.GetSyntax()
                is not VariableDeclaratorSyntax { Initializer.Value: var value } declarator
            || declarator.SyntaxTree != enter.Syntax.SyntaxTree
            || AllotApi.Strip(model.GetOperation(value)) is not IObjectCreationOperation creation)
        {
            return null;
        }

        IArgumentOperation? restrictions =
            creation.Arguments.FirstOrDefault(argument => argument.Parameter?.Name == "restrictions");
        if (restrictions?.Value is not { Type: INamedTypeSymbol type, ConstantValue: { HasValue: true } known }
            || known.Value is not { } constant)
        {
            return null;
        }

        ulong carried = AllotApi.ToBits(constant);
        ulong removed = 0;
        bool isAtomic = false;
        foreach (IFieldSymbol member in type.GetMembers().OfType<IFieldSymbol>())
        {
            if (member.ConstantValue is not { } bit || (carried & AllotApi.ToBits(bit)) == 0) continue;
            removed |= api.BitsRemovedBy(member.Name);
            isAtomic |= member.Name == "Atomic";
        }

        return new EnteredScope(field.Name, removed, isAtomic, flows: field.Type.Name == Async);
    }

    // A readonly field can be written by a constructor or an init accessor, and with all others of its struct.
    private static bool MayBeReplaced(IFieldSymbol field) =>
        field is { IsStatic: false, ContainingType.IsValueType: true }
        || field.ContainingType.DeclaringSyntaxReferences.Any(reference => reference.GetSyntax().DescendantNodes()
            .Where(node => node is ConstructorDeclarationSyntax
                || (node is AccessorDeclarationSyntax && node.IsKind(SyntaxKind.InitAccessorDeclaration)))
            .Any(node => node.DescendantTokens().Any(token => token.ValueText == field.Name)));
}
