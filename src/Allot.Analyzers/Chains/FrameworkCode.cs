using Microsoft.CodeAnalysis;

namespace Allot.Analyzers.Chains;

/// <summary>The members of the framework of which it is known that they run no code of the project, and so
/// allocate nothing from Allot.</summary>
/// <remarks>Two lists. Members of the first types run no other code when all values that they are given are inert: of a
/// type whose members are the framework's. The members in the second list run none whatever they are given, apart from
/// constructors.</remarks>
internal sealed class FrameworkCode
{
    private static readonly string[] s_types =
    [
        "System.Array", "System.BitConverter", "System.Char", "System.Console", "System.DateTime",
        "System.DateTimeOffset", "System.Decimal", "System.Double", "System.Environment", "System.Guid", "System.Int32",
        "System.Int64", "System.Math", "System.MemoryExtensions", "System.Nullable`1", "System.ReadOnlySpan`1",
        "System.Span`1", "System.String", "System.TimeSpan", "System.UInt32", "System.UInt64",
        "System.Buffers.Binary.BinaryPrimitives", "System.Diagnostics.Stopwatch", "System.Text.StringBuilder",
        "System.Threading.CancellationToken",
    ];

    private static readonly (string Type, string[] Members)[] s_members =
    [
        ("System.ArgumentNullException", ["ThrowIfNull"]),
        ("System.Array", ["Length", "LongLength"]),
        ("System.Object", [".ctor"]),
        ("System.ObjectDisposedException", ["ThrowIf"]),
        ("System.Collections.Generic.List`1",
            [".ctor", "Add", "Clear", "Count", "Insert", "RemoveAt", "this[]"]),
        ("System.Diagnostics.Debug", ["Assert"]),
        ("System.Threading.Interlocked",
            ["Add", "And", "CompareExchange", "Decrement", "Exchange", "Increment", "Or", "Read"]),
        ("System.Threading.Lock", [".ctor"]),
        ("System.Threading.Monitor", ["Enter", "Exit", "IsEntered", "TryEnter"]),
        ("System.Threading.Tasks.Task",
            ["CompletedTask", "ConfigureAwait", "Delay", "FromResult", "IsCompleted", "IsCompletedSuccessfully",
             "Yield"]),
        ("System.Threading.Tasks.Task`1", ["ConfigureAwait"]),
        ("System.Threading.Tasks.ValueTask", ["AsTask", "ConfigureAwait"]),
        ("System.Threading.Tasks.ValueTask`1", ["AsTask", "ConfigureAwait"]),
        ("System.Threading.Volatile", ["Read", "Write"]),
    ];

    private static readonly string[] s_awaitable =
    [
        "System.Runtime.CompilerServices.ConfiguredTaskAwaitable",
        "System.Runtime.CompilerServices.ConfiguredTaskAwaitable`1",
        "System.Runtime.CompilerServices.ConfiguredValueTaskAwaitable",
        "System.Runtime.CompilerServices.ConfiguredValueTaskAwaitable`1",
        "System.Runtime.CompilerServices.YieldAwaitable",
        "System.Threading.Tasks.Task", "System.Threading.Tasks.Task`1",
        "System.Threading.Tasks.ValueTask", "System.Threading.Tasks.ValueTask`1",
    ];

    // What a loop goes through without calling anybody else.
    private static readonly string[] s_sequences =
        ["System.String", "System.Collections.Generic.List`1", "System.Span`1", "System.ReadOnlySpan`1"];

    private readonly Dictionary<ISymbol, string[]> _members = new(SymbolEqualityComparer.Default);
    private readonly HashSet<ISymbol> _types;
    private readonly HashSet<ISymbol> _awaitable;
    private readonly HashSet<ISymbol> _sequences;
    private readonly INamedTypeSymbol? _exception;

    internal FrameworkCode(Compilation compilation)
    {
        _types = Find(compilation, s_types);
        _awaitable = Find(compilation, s_awaitable);
        _sequences = Find(compilation, s_sequences);
        foreach ((string type, string[] members) in s_members)
        {
            foreach (ISymbol symbol in Find(compilation, type)) _members[symbol] = members;
        }

        _exception = Find(compilation, "System.Exception").FirstOrDefault() as INamedTypeSymbol;
    }

    internal bool IsAwaitable(ITypeSymbol? type) => type is not null && _awaitable.Contains(type.OriginalDefinition);

    internal bool IsSequence(ITypeSymbol? type) =>
        type is IArrayTypeSymbol || (type is not null && _sequences.Contains(type.OriginalDefinition));

    /// <summary>Whether the call, the creation or the use of the property or field runs nobody else's code.</summary>
    internal bool IsQuiet(ISymbol member, IEnumerable<IOperation?> values)
    {
        if (member.ContainingType is not { } type) return false;
        bool isConstructor = member is IMethodSymbol { MethodKind: MethodKind.Constructor };
        bool isListed = _members.TryGetValue(type.OriginalDefinition, out string[]? members)
            && members.Contains(member.Name);
        if (isListed && !isConstructor) return true;

        bool isKnown = isListed || _types.Contains(type.OriginalDefinition)
            || (IsException(type) && (member.IsStatic || isConstructor));
        return isKnown
            && values.All(value => IsInert(value))
            && (member as IMethodSymbol)?.TypeArguments.All(IsInert) != false;
    }

    /// <summary>An exception of the framework: its constructors keep what they are given.</summary>
    internal bool IsException(INamedTypeSymbol type)
    {
        if (type.Locations.Any(location => location.IsInSource) || !IsInSystem(type.ContainingNamespace)) return false;

        for (INamedTypeSymbol? parent = type; parent is not null; parent = parent.BaseType)
        {
            if (SymbolEqualityComparer.Default.Equals(parent, _exception)) return true;
        }

        return false;
    }

    /// <summary>Whether no code but the framework's runs when something is done with the value, whatever it is: asking
    /// for its text, comparing it, converting it.</summary>
    internal bool IsInert(IOperation? value)
    {
        IOperation? stripped = AllotApi.Strip(value);
        return stripped?.Type is null || IsInert(stripped.Type);
    }

    internal bool IsInert(ITypeSymbol type) => type switch
    {
        IArrayTypeSymbol array => IsInert(array.ElementType),
        INamedTypeSymbol { TypeKind: TypeKind.Enum } => true,
        INamedTypeSymbol { SpecialType: >= SpecialType.System_Boolean and <= SpecialType.System_UIntPtr } => true,
        INamedTypeSymbol named => (named.IsValueType || named.IsSealed) && _types.Contains(named.OriginalDefinition)
            && named.TypeArguments.All(IsInert),
        _ => false,
    };

    private static bool IsInSystem(INamespaceSymbol? space) => space?.ToDisplayString() is { } name
        && (name == "System" || name.StartsWith("System.", StringComparison.Ordinal));

    // A type of the project that has the name of one of the framework is not it.
    private static HashSet<ISymbol> Find(Compilation compilation, params string[] names) => new(
        names.Select(compilation.GetTypeByMetadataName).OfType<INamedTypeSymbol>()
            .Where(type => !type.Locations.Any(location => location.IsInSource)),
        SymbolEqualityComparer.Default);
}
