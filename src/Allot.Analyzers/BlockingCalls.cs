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
    // Members by type; "X*" is every method whose name begins so and that is not asynchronous. Types derived from these
    // inherit the entry.
    private static readonly (string Type, string[] Members)[] s_members =
    [
        // Threads and tasks.
        ("System.Threading.Thread", ["Sleep", "Join"]),
        ("System.Threading.Tasks.Task", ["Wait", "WaitAll", "WaitAny", "RunSynchronously", "Result"]),
        ("System.Threading.Tasks.Task`1", ["Result"]),
        ("System.Threading.Tasks.ValueTask`1", ["Result"]),
        ("System.Runtime.CompilerServices.TaskAwaiter", ["GetResult"]),
        ("System.Runtime.CompilerServices.TaskAwaiter`1", ["GetResult"]),
        ("System.Runtime.CompilerServices.ValueTaskAwaiter", ["GetResult"]),
        ("System.Runtime.CompilerServices.ValueTaskAwaiter`1", ["GetResult"]),
        ("System.Runtime.CompilerServices.ConfiguredTaskAwaitable+ConfiguredTaskAwaiter", ["GetResult"]),
        ("System.Runtime.CompilerServices.ConfiguredTaskAwaitable`1+ConfiguredTaskAwaiter", ["GetResult"]),
        ("System.Runtime.CompilerServices.ConfiguredValueTaskAwaitable+ConfiguredValueTaskAwaiter", ["GetResult"]),
        ("System.Runtime.CompilerServices.ConfiguredValueTaskAwaitable`1+ConfiguredValueTaskAwaiter", ["GetResult"]),
        ("System.Threading.Tasks.Parallel", ["For", "ForEach", "Invoke"]),
        ("System.Threading.SynchronizationContext", ["Send"]),
        ("System.GC", ["WaitForPendingFinalizers"]),

        // Locks, and what is waited for.
        ("System.Threading.Monitor", ["Enter", "TryEnter", "Wait"]),
        ("System.Threading.Lock", ["Enter", "EnterScope", "TryEnter"]),
        ("System.Threading.SemaphoreSlim", ["Wait"]),
        ("System.Threading.ManualResetEventSlim", ["Wait"]),
        ("System.Threading.CountdownEvent", ["Wait"]),
        ("System.Threading.Barrier", ["SignalAndWait"]),
        ("System.Threading.WaitHandle", ["WaitOne", "WaitAll", "WaitAny", "SignalAndWait"]),
        ("System.Threading.SpinWait", ["SpinUntil"]),   // sleeps in between
        ("System.Threading.ReaderWriterLockSlim",
            ["EnterReadLock", "EnterUpgradeableReadLock", "EnterWriteLock", "TryEnterReadLock",
             "TryEnterUpgradeableReadLock", "TryEnterWriteLock"]),
        ("System.Threading.ReaderWriterLock", ["AcquireReaderLock", "AcquireWriterLock", "UpgradeToWriterLock"]),
        ("System.Collections.Concurrent.BlockingCollection`1",
            ["Take", "Add", "TryTake", "TryAdd", "TakeFromAny", "AddToAny", "TryTakeFromAny", "TryAddToAny",
             "GetConsumingEnumerable"]),
        ("Allot.ScopedLock", ["Enter"]),
        ("Allot.ScopedReaderWriterLock", ["EnterRead", "EnterWrite"]),

        // Files.
        ("System.IO.Stream",
            ["Read", "ReadByte", "ReadExactly", "ReadAtLeast", "Write", "WriteByte", "Flush", "CopyTo", "SetLength"]),
        ("System.IO.TextReader", ["Read*", "Peek"]),
        ("System.IO.TextWriter", ["Write*", "Flush"]),
        ("System.IO.BinaryReader", ["Read*", "PeekChar"]),
        ("System.IO.BinaryWriter", ["Write*", "Flush"]),
        ("System.IO.RandomAccess", ["Read", "Write", "FlushToDisk", "SetLength"]),
        ("System.IO.File", ["*"]),
        ("System.IO.Directory", ["*"]),
        ("System.IO.FileSystemInfo", ["*", "Exists", "Length"]),
        ("System.IO.Path", ["Exists", "GetTempFileName"]),
        ("System.IO.MemoryMappedFiles.MemoryMappedFile", ["CreateFromFile", "OpenExisting"]),
        ("System.IO.MemoryMappedFiles.MemoryMappedViewAccessor", ["Flush"]),
        ("System.IO.Pipes.PipeStream", ["WaitForPipeDrain"]),
        ("System.IO.Pipes.NamedPipeClientStream", ["Connect"]),
        ("System.IO.Pipes.NamedPipeServerStream", ["WaitForConnection"]),

        // Network.
        ("System.Net.Dns", ["GetHostEntry", "GetHostAddresses", "GetHostByName", "GetHostByAddress", "Resolve"]),
        ("System.Net.Sockets.Socket",
            ["Accept", "Connect", "Disconnect", "Receive", "ReceiveFrom", "ReceiveMessageFrom", "Send", "SendTo",
             "SendFile", "Poll", "Select"]),
        ("System.Net.Sockets.TcpClient", ["Connect"]),
        ("System.Net.Sockets.TcpListener", ["AcceptSocket", "AcceptTcpClient"]),
        ("System.Net.Sockets.UdpClient", ["Receive", "Send"]),
        ("System.Net.NetworkInformation.Ping", ["Send"]),
        ("System.Net.Security.SslStream", ["AuthenticateAsClient", "AuthenticateAsServer"]),
        ("System.Net.Http.HttpMessageInvoker", ["Send"]),
        ("System.Net.Http.HttpContent", ["CopyTo", "ReadAsStream"]),
        ("System.Net.WebRequest", ["GetResponse", "GetRequestStream"]),

        // Other processes, the terminal, databases.
        ("System.Diagnostics.Process", ["Start", "WaitForExit", "WaitForInputIdle"]),
        ("System.Console", ["Read*", "Write*"]),
        ("System.Data.Common.DbConnection", ["Open", "BeginTransaction"]),
        ("System.Data.Common.DbCommand", ["ExecuteNonQuery", "ExecuteReader", "ExecuteScalar", "Prepare"]),
        ("System.Data.Common.DbDataReader", ["Read", "NextResult"]),
        ("System.Data.Common.DbTransaction", ["Commit", "Rollback"]),
    ];

    // Constructors that open or connect: those with a parameter of one of the names.
    private static readonly string[] s_openedByName =
    [
        "System.IO.FileStream", "System.IO.StreamReader", "System.IO.StreamWriter", "System.Net.Sockets.TcpClient",
    ];

    private static readonly ImmutableHashSet<string> s_names = ImmutableHashSet.Create("path", "hostname");

    // What has its bytes in memory.
    private static readonly string[] s_memoryStreams =
    [
        "System.IO.MemoryStream", "System.IO.UnmanagedMemoryStream", "System.IO.StringReader", "System.IO.StringWriter",
    ];

    // What only asks, in a type where everything else does I/O.
    private static readonly ImmutableHashSet<string> s_harmless =
        ImmutableHashSet.Create("GetHashCode", "Equals", "ToString", "GetType", "Dispose");

    private readonly Dictionary<INamedTypeSymbol, ImmutableHashSet<string>> _members =
        new(SymbolEqualityComparer.Default);

    private readonly HashSet<INamedTypeSymbol> _memoryStreams = new(SymbolEqualityComparer.Default);
    private readonly HashSet<INamedTypeSymbol> _openedByName = new(SymbolEqualityComparer.Default);

    internal BlockingCalls(Compilation compilation)
    {
        foreach ((string type, string[] members) in s_members)
        {
            if (compilation.GetTypeByMetadataName(type) is { } symbol)
            {
                _members[symbol] = ImmutableHashSet.CreateRange(members);
            }
        }

        AddAll(_memoryStreams, s_memoryStreams);
        AddAll(_openedByName, s_openedByName);

        void AddAll(HashSet<INamedTypeSymbol> symbols, string[] types)
        {
            foreach (string type in types)
            {
                if (compilation.GetTypeByMetadataName(type) is { } symbol) symbols.Add(symbol);
            }
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
        IObjectCreationOperation { Constructor: { } constructor } when IsOpening(constructor) =>
            $"new {constructor.ContainingType.Name}",
        _ => null,
    };

    private static string NameOf(ISymbol member) => $"{member.ContainingType.Name}.{member.Name}";

    private bool IsListed(ISymbol member, IOperation? instance)
    {
        // The type of the receiver says more than that of the member: a MemoryStream is a Stream.
        for (IOperation? receiver = instance; receiver is not null;)
        {
            if (IsInMemory(receiver.Type)) return false;
            receiver = (receiver as IConversionOperation)?.Operand;
        }

        for (INamedTypeSymbol? type = member.ContainingType; type is not null; type = type.BaseType)
        {
            if (_members.TryGetValue(type.OriginalDefinition, out ImmutableHashSet<string>? members)
                && (members.Contains(member.Name) || members.Any(pattern => IsMatch(member, pattern))))
            {
                return true;
            }
        }

        return false;
    }

    private bool IsInMemory(ITypeSymbol? receiver)
    {
        for (ITypeSymbol? type = receiver; type is not null; type = type.BaseType)
        {
            if (type is INamedTypeSymbol named && _memoryStreams.Contains(named)) return true;
        }

        return false;
    }

    private bool IsOpening(IMethodSymbol constructor) =>
        _openedByName.Contains(constructor.ContainingType)
        && constructor.Parameters.Any(parameter => s_names.Contains(parameter.Name));

    private static bool IsMatch(ISymbol member, string pattern) =>
        pattern.EndsWith("*", StringComparison.Ordinal)
        && member.Name.StartsWith(pattern.TrimEnd('*'), StringComparison.Ordinal)
        && IsSynchronousWork(member);

    private static bool IsSynchronousWork(ISymbol member) =>
        member is IMethodSymbol { MethodKind: MethodKind.Ordinary }
        && !s_harmless.Contains(member.Name)
        && !member.Name.EndsWith("Async", StringComparison.Ordinal);

    // Monitor.TryEnter(x) and Wait(0) ask and go on.
    private static bool ReturnsAtOnce(IInvocationOperation call)
    {
        bool hasLimit = false;
        foreach (IArgumentOperation argument in call.Arguments)
        {
            bool isLimit = argument.Parameter?.Name is "millisecondsTimeout" or "timeout" or "milliseconds"
                or "microSeconds";
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
