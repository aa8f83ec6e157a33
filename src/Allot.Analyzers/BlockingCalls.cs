using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace Allot.Analyzers;

/// <summary>The operations that are known to block their thread, or to give it up, until something else happens.
/// </summary>
/// <remarks>A list, not a proof: what a call does inside is not followed. A wait with a time limit of 0 is a question
/// and blocks nobody. Spinning is allowed, as it is in the kernel.</remarks>
internal sealed class BlockingCalls
{
    // Members by type; "*" is every method that is not asynchronous. Types derived from these inherit the entry.
    private static readonly (string Type, string[] Members)[] s_members =
    [
        ("System.Threading.Thread", ["Sleep", "Join"]),
        ("System.Threading.Tasks.Task", ["Wait", "WaitAll", "WaitAny", "Result"]),
        ("System.Threading.Tasks.Task`1", ["Result"]),
        ("System.Threading.Tasks.ValueTask`1", ["Result"]),
        ("System.Runtime.CompilerServices.TaskAwaiter", ["GetResult"]),
        ("System.Runtime.CompilerServices.TaskAwaiter`1", ["GetResult"]),
        ("System.Runtime.CompilerServices.ValueTaskAwaiter", ["GetResult"]),
        ("System.Runtime.CompilerServices.ValueTaskAwaiter`1", ["GetResult"]),
        ("System.Runtime.CompilerServices.ConfiguredTaskAwaitable+ConfiguredTaskAwaiter", ["GetResult"]),
        ("System.Runtime.CompilerServices.ConfiguredTaskAwaitable`1+ConfiguredTaskAwaiter", ["GetResult"]),
        ("System.Threading.Tasks.Parallel", ["For", "ForEach", "Invoke"]),
        ("System.Threading.Monitor", ["Enter", "TryEnter", "Wait"]),
        ("System.Threading.Lock", ["Enter", "EnterScope", "TryEnter"]),
        ("System.Threading.SemaphoreSlim", ["Wait"]),
        ("System.Threading.ManualResetEventSlim", ["Wait"]),
        ("System.Threading.CountdownEvent", ["Wait"]),
        ("System.Threading.Barrier", ["SignalAndWait"]),
        ("System.Threading.WaitHandle", ["WaitOne", "WaitAll", "WaitAny", "SignalAndWait"]),
        ("System.Threading.ReaderWriterLockSlim",
            ["EnterReadLock", "EnterUpgradeableReadLock", "EnterWriteLock", "TryEnterReadLock",
             "TryEnterUpgradeableReadLock", "TryEnterWriteLock"]),
        ("System.Threading.ReaderWriterLock", ["AcquireReaderLock", "AcquireWriterLock", "UpgradeToWriterLock"]),
        ("System.Collections.Concurrent.BlockingCollection`1", ["Take", "Add", "TryTake", "TryAdd", "TakeFromAny"]),
        ("System.GC", ["WaitForPendingFinalizers"]),
        ("System.Diagnostics.Process", ["WaitForExit", "WaitForInputIdle"]),
        ("System.Console", ["Read", "ReadLine", "ReadKey"]),
        ("System.IO.Stream",
            ["Read", "ReadByte", "ReadExactly", "ReadAtLeast", "Write", "WriteByte", "Flush", "CopyTo"]),
        ("System.IO.RandomAccess", ["Read", "Write", "FlushToDisk"]),
        ("System.IO.File", ["*"]),
        ("System.Net.Sockets.Socket",
            ["Accept", "Connect", "Receive", "ReceiveFrom", "ReceiveMessageFrom", "Send", "SendTo", "SendFile", "Poll",
             "Select"]),
        ("System.Net.Http.HttpMessageInvoker", ["Send"]),
        ("Allot.ScopedLock", ["Enter"]),
    ];

    // Streams whose bytes are in memory.
    private static readonly string[] s_memoryStreams = ["System.IO.MemoryStream", "System.IO.UnmanagedMemoryStream"];

    // What only asks, in a type where everything else does I/O.
    private static readonly ImmutableHashSet<string> s_harmless = ImmutableHashSet.Create("GetHashCode", "Equals");

    private readonly Dictionary<INamedTypeSymbol, ImmutableHashSet<string>> _members =
        new(SymbolEqualityComparer.Default);

    private readonly HashSet<INamedTypeSymbol> _memoryStreams = new(SymbolEqualityComparer.Default);

    internal BlockingCalls(Compilation compilation)
    {
        foreach ((string type, string[] members) in s_members)
        {
            if (compilation.GetTypeByMetadataName(type) is { } symbol)
            {
                _members[symbol] = ImmutableHashSet.CreateRange(members);
            }
        }

        foreach (string type in s_memoryStreams)
        {
            if (compilation.GetTypeByMetadataName(type) is { } symbol) _memoryStreams.Add(symbol);
        }
    }

    /// <summary>How to name the operation to its author; nothing if it does not block.</summary>
    internal string? NameOf(IOperation operation) => operation switch
    {
        IAwaitOperation => "await",
        ILockOperation => "lock",
        IForEachLoopOperation { IsAsynchronous: true } => "await foreach",
        IUsingOperation { IsAsynchronous: true } => "await using",
        IUsingDeclarationOperation { IsAsynchronous: true } => "await using",
        IInvocationOperation call when IsListed(call.TargetMethod, call.Instance) && !ReturnsAtOnce(call) =>
            NameOf(call.TargetMethod),
        IPropertyReferenceOperation reference when IsListed(reference.Property, reference.Instance) =>
            NameOf(reference.Property),
        _ => null,
    };

    private static string NameOf(ISymbol member) => $"{member.ContainingType.Name}.{member.Name}";

    private bool IsListed(ISymbol member, IOperation? instance)
    {
        // The type of the receiver says more than that of the member: a MemoryStream is a Stream.
        for (ITypeSymbol? type = AllotApi.Strip(instance)?.Type; type is not null; type = type.BaseType)
        {
            if (type is INamedTypeSymbol named && _memoryStreams.Contains(named)) return false;
        }

        for (INamedTypeSymbol? type = member.ContainingType; type is not null; type = type.BaseType)
        {
            if (_members.TryGetValue(type.OriginalDefinition, out ImmutableHashSet<string>? members)
                && (members.Contains(member.Name) || (members.Contains("*") && IsSynchronousWork(member))))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsSynchronousWork(ISymbol member) =>
        member is IMethodSymbol
        && !s_harmless.Contains(member.Name)
        && !member.Name.EndsWith("Async", StringComparison.Ordinal);

    // Monitor.TryEnter(x) and Wait(0) ask and go on.
    private static bool ReturnsAtOnce(IInvocationOperation call)
    {
        bool hasLimit = false;
        foreach (IArgumentOperation argument in call.Arguments)
        {
            bool isLimit = argument.Parameter?.Name is "millisecondsTimeout" or "timeout" or "milliseconds";
            if (!isLimit) continue;
            hasLimit = true;
            if (IsZero(argument.Value)) return true;
        }

        return !hasLimit && call.TargetMethod.Name.StartsWith("Try", StringComparison.Ordinal);
    }

    private static bool IsZero(IOperation value) => AllotApi.Strip(value) switch
    {
        { ConstantValue: { HasValue: true, Value: int number } } => number == 0,
        IFieldReferenceOperation { Field: { Name: "Zero", ContainingType.Name: "TimeSpan" } } => true,
        IDefaultValueOperation => true,
        _ => false,
    };
}
