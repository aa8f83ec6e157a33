using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Operations;

namespace Allot.Analyzers;

/// <summary>Which scope a lock carries, when its field says so: <c>readonly ScopedLock _gate =
/// new(AllocationRestrictions.NoFs);</c> in the same file.</summary>
internal static class ScopedLocks
{
    internal static EnteredScope? Carried(IInvocationOperation enter, AllotApi api)
    {
        if (AllotApi.Strip(enter.Instance) is not IFieldReferenceOperation { Field: { IsReadOnly: true } field }
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

        return new EnteredScope(field.Name, removed, isAtomic);
    }
}
