using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace Allot.Analyzers;

/// <summary>What the analyzers know of Allot: its types as the analyzed code sees them, and the bits of its flags, read
/// by name from the assembly that the code refers to, so that the analyzers never disagree with it.</summary>
internal sealed class AllotApi
{
    private static readonly ImmutableHashSet<string> s_scopeTypes =
        ImmutableHashSet.Create("AllocationScope", "FlowingScope");

    private static readonly string[] s_restrictingScopes = ["NoFs", "NoIo"];

    private AllotApi(INamedTypeSymbol flags)
    {
        Flags = flags;
        Kernel = Bits("Kernel");
        MustSucceed = Bits("MustSucceed");
        DirectReclaim = Bits("DirectReclaim");
        Attributes = Bits("Account", "Movable", "Reclaimable", "Zero", "UserVisible", "NoWarn", "NoOrderCheck");
        Effort = Bits("NoRetry", "RetryMayFail", "MustSucceed", "NoReserve");
    }

    internal INamedTypeSymbol Flags { get; }

    /// <summary>All permissions: what a call without flags asks for.</summary>
    internal ulong Kernel { get; }

    internal ulong MustSucceed { get; }

    internal ulong DirectReclaim { get; }

    /// <summary>What belongs to the memory, not to the context.</summary>
    internal ulong Attributes { get; }

    /// <summary>How hard to try: a matter of the call, whatever its context.</summary>
    internal ulong Effort { get; }

    /// <summary>Nothing when the code does not use Allot, or an Allot without scopes.</summary>
    internal static AllotApi? Find(Compilation compilation) =>
        compilation.GetTypeByMetadataName("Allot.AllocationFlags") is { TypeKind: TypeKind.Enum } flags
            ? new AllotApi(flags)
            : null;

    /// <summary>The bits of the members that there are.</summary>
    internal ulong Bits(params string[] names)
    {
        ulong bits = 0;
        foreach (string name in names)
        {
            foreach (ISymbol member in Flags.GetMembers(name))
            {
                if (member is IFieldSymbol { HasConstantValue: true } field) bits |= ToBits(field.ConstantValue!);
            }
        }

        return bits;
    }

    internal bool IsFlags(ITypeSymbol? type) => SymbolEqualityComparer.Default.Equals(type, Flags);

    internal bool IsAllot(ISymbol? symbol) =>
        SymbolEqualityComparer.Default.Equals(symbol?.ContainingAssembly, Flags.ContainingAssembly);

    /// <summary>A type of Allot whose methods enter scopes, and do nothing else.</summary>
    internal static bool IsScopeType(INamedTypeSymbol? type) => type is not null && s_scopeTypes.Contains(type.Name);

    /// <summary>The value of flags that the compiler knows.</summary>
    internal bool TryGetConstant(IOperation operation, out ulong value)
    {
        value = 0;
        if (!IsFlags(operation.Type) || operation.ConstantValue is not { HasValue: true, Value: { } constant })
        {
            return false;
        }

        value = ToBits(constant);
        return true;
    }

    /// <summary>Whether the parameter is declared as flags; not one of a type parameter that happens to be flags here.
    /// </summary>
    internal bool TakesFlags(IParameterSymbol? parameter) => IsFlags(parameter?.OriginalDefinition.Type);

    /// <summary>What a call passes that leaves out the argument.</summary>
    internal ulong? DefaultOf(IParameterSymbol parameter) =>
        IsFlags(parameter.Type) && parameter.HasExplicitDefaultValue
            ? parameter.ExplicitDefaultValue is { } value ? ToBits(value) : 0
            : null;

    /// <summary>The scope that evaluating the value enters, when it is plain which one: a call of
    /// <c>AllocationScope</c> or <c>FlowingScope</c>, or taking a lock whose field says what it carries.</summary>
    internal EnteredScope? ScopeEnteredBy(IOperation? value)
    {
        if (ScopedLocks.TakenBy(Strip(value), this) is { } taken) return ScopedLocks.Carried(taken, this);
        if (Strip(value) is not IInvocationOperation { TargetMethod: var method } || !IsAllot(method)) return null;

        string type = method.ContainingType.Name;
        if (!method.IsStatic || !IsScopeType(method.ContainingType)) return null;
        return new EnteredScope(
            $"{type}.{method.Name}",
            BitsRemovedBy(method.Name),
            isAtomic: method.Name == "Atomic",
            flows: type == "FlowingScope");
    }

    /// <summary>The scope that takes exactly these permissions. Never the atomic one: a call inside of it that does not
    /// say itself that it cannot wait is reported when the checks of Allot are on.</summary>
    internal string? ScopeThatRemoves(ulong permissions) =>
        s_restrictingScopes.FirstOrDefault(name => (BitsRemovedBy(name) & Kernel) == permissions);

    internal bool HasScope(string type, string scope) =>
        Flags.ContainingAssembly.GetTypeByMetadataName("Allot." + type)?.GetMembers(scope).IsEmpty == false;

    internal ulong BitsRemovedBy(string scope) => scope switch
    {
        "NoFs" => Bits("FileSystem"),
        "NoIo" => Bits("FileSystem", "Io"),
        "NoPin" => Bits("Movable"),
        "Atomic" => Bits("FileSystem", "Io", "DirectReclaim"),
        _ => 0,
    };

    /// <summary>The operation below conversions that the compiler added or the author wrote.</summary>
    internal static IOperation? Strip(IOperation? operation)
    {
        while (operation is IConversionOperation { OperatorMethod: null } conversion) operation = conversion.Operand;
        return operation;
    }

    internal static ulong ToBits(object constant) => constant switch
    {
        int value => (uint)value,
        uint value => value,
        long value => (ulong)value,
        ulong value => value,
        short value => (ushort)value,
        ushort value => value,
        byte value => value,
        sbyte value => (byte)value,
        _ => 0,
    };
}
