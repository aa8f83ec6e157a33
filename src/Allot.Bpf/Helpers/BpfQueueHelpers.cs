using Allot.Maps;

namespace Allot.Bpf;

/// <summary>Helpers of maps without keys, and of stack traces.</summary>
internal static unsafe class BpfQueueHelpers
{
    private const ulong Failed = ulong.MaxValue;   // -1

    public static IReadOnlyList<BpfHelper> All { get; } =
    [
        new(27, "get_stackid", KeepTrace)
        {
            Arguments = [BpfArgument.Context, BpfArgument.Map, BpfArgument.Number],
            MapTypes = [MapType.StackTrace],
        },
        new(87, "map_push_elem", Push)
        {
            Arguments = [BpfArgument.Map, BpfArgument.MapValue, BpfArgument.Number],
            MapTypes = [MapType.Queue, MapType.Stack, MapType.BloomFilter],
            ChangesMap = true,
        },
        new(88, "map_pop_elem", Pop)
        {
            Arguments = [BpfArgument.Map, BpfArgument.MapValueToWrite],
            MapTypes = [MapType.Queue, MapType.Stack],
            ChangesMap = true,
        },
        new(89, "map_peek_elem", Peek)
        {
            Arguments = [BpfArgument.Map, BpfArgument.MapValueToWrite],
            MapTypes = [MapType.Queue, MapType.Stack, MapType.BloomFilter],
        },
    ];

    // A program has no addresses that mean anything outside: its trace is the number of the instruction that calls.
    private static ulong KeepTrace(BpfExecution execution, ulong context, ulong map, ulong flags, ulong r4, ulong r5) =>
        execution.TryGetMap(map, out GroupMap? found) && found is StackTraceMap traces
            ? (ulong)traces.Keep([(ulong)execution.HelperCalledAt], flags)
            : Failed;

    private static ulong Push(BpfExecution execution, ulong map, ulong value, ulong flags, ulong r4, ulong r5) =>
        execution.TryGetMapToChange(map, out GroupMap? found)
        && execution.TryRead(value, (int)found.Definition.ValueBytes, out byte* bytes)
            ? (ulong)found.Push(bytes, flags)
            : Failed;

    private static ulong Pop(BpfExecution execution, ulong map, ulong value, ulong r3, ulong r4, ulong r5) =>
        execution.TryGetMapToChange(map, out GroupMap? found)
        && execution.TryGetMemory(value, (int)found.Definition.ValueBytes, out Span<byte> _)
            ? (ulong)found.Pop((byte*)value)
            : Failed;

    private static ulong Peek(BpfExecution execution, ulong map, ulong value, ulong r3, ulong r4, ulong r5)
    {
        if (!execution.TryGetMap(map, out GroupMap? found)) return Failed;
        var bytes = (int)found.Definition.ValueBytes;
        bool mayUse = found.Definition.Type == MapType.BloomFilter
            ? execution.TryRead(value, bytes, out byte* _)
            : execution.TryGetMemory(value, bytes, out Span<byte> _);
        return mayUse ? (ulong)found.Peek((byte*)value) : Failed;
    }
}
