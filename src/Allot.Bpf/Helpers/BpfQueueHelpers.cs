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
            ReadsCalls = true,
        },
        new(87, "map_push_elem", Push)
        {
            Arguments = [BpfArgument.Map, BpfArgument.MapValue, BpfArgument.Number],
            MapTypes = [MapType.Queue, MapType.Stack, MapType.BloomFilter],
            CopiesValue = true,
            ChangesMap = true,
        },
        new(88, "map_pop_elem", Pop)
        {
            Arguments = [BpfArgument.Map, BpfArgument.MapValueToWrite],
            MapTypes = [MapType.Queue, MapType.Stack],
            CopiesValue = true,
            ChangesMap = true,
        },
        new(89, "map_peek_elem", Peek)
        {
            Arguments = [BpfArgument.Map, BpfArgument.MapValueToWrite],
            MapTypes = [MapType.Queue, MapType.Stack, MapType.BloomFilter],
            CopiesValue = true,
        },
    ];

    // A program has no addresses that mean anything outside: its trace is the numbers of the instructions that call.
    private static ulong KeepTrace(BpfExecution execution, ulong context, ulong map, ulong flags, ulong r4, ulong r5)
    {
        if (!execution.TryGetMap(map, out GroupMap? found) || found is not StackTraceMap traces) return Failed;
        Span<ulong> frames = stackalloc ulong[BpfExecution.FramesMax];
        return (ulong)traces.Keep(frames[..execution.ReadCalls(frames)], flags);
    }

    private static ulong Push(BpfExecution execution, ulong map, ulong value, ulong flags, ulong r4, ulong r5) =>
        execution.TryGetMapToChange(map, out GroupMap? found)
        && execution.TryRead(value, (int)found.Definition.ValueBytes, out byte* bytes)
        && execution.TryPayForValue(found)
            ? (ulong)found.Push(bytes, flags)
            : Failed;

    private static ulong Pop(BpfExecution execution, ulong map, ulong value, ulong r3, ulong r4, ulong r5) =>
        execution.TryGetMapToChange(map, out GroupMap? found)
        && execution.TryGetMemory(value, (int)found.Definition.ValueBytes, out Span<byte> _)
        && execution.TryPayForValue(found)
            ? (ulong)found.Pop((byte*)value)
            : Failed;

    private static ulong Peek(BpfExecution execution, ulong map, ulong value, ulong r3, ulong r4, ulong r5)
    {
        if (!execution.TryGetMap(map, out GroupMap? found)) return Failed;
        var bytes = (int)found.Definition.ValueBytes;
        bool mayUse = found.Definition.Type == MapType.BloomFilter
            ? execution.TryRead(value, bytes, out byte* _)
            : execution.TryGetMemory(value, bytes, out Span<byte> _);
        return mayUse && execution.TryPayForValue(found) ? (ulong)found.Peek((byte*)value) : Failed;
    }
}
