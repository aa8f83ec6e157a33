using Allot.Maps;

namespace Allot.Bpf;

/// <summary>Records from programs to the host: rings, and outputs for each processor.</summary>
internal static unsafe class BpfRingHelpers
{
    public static IReadOnlyList<BpfHelper> All { get; } =
    [
        new(25, "perf_event_output", PerfOutput)
        {
            Arguments =
            [
                BpfArgument.Context, BpfArgument.Map, BpfArgument.Number, BpfArgument.MemoryToRead,
                BpfArgument.BytesOrNone,
            ],
            MapTypes = [MapType.PerfEventArray],
            Pays = true,
        },
        new(130, "ringbuf_output", Output)
        {
            Arguments = [BpfArgument.Map, BpfArgument.MemoryToRead, BpfArgument.BytesOrNone, BpfArgument.Number],
            MapTypes = [MapType.RingBuffer],
            Pays = true,
        },
        new(131, "ringbuf_reserve", Reserve)
        {
            Arguments = [BpfArgument.Map, BpfArgument.BytesToReserve, BpfArgument.Number],
            MapTypes = [MapType.RingBuffer],
            Result = BpfResult.ReservedOrZero,
        },
        new(132, "ringbuf_submit", static (run, record, flags, _, _, _) => Commit(run, record, flags, discards: false))
        {
            Arguments = [BpfArgument.Reserved, BpfArgument.Number],
            Result = BpfResult.Nothing,
        },
        new(133, "ringbuf_discard", static (run, record, flags, _, _, _) => Commit(run, record, flags, discards: true))
        {
            Arguments = [BpfArgument.Reserved, BpfArgument.Number],
            Result = BpfResult.Nothing,
        },
        new(134, "ringbuf_query", Query)
        {
            Arguments = [BpfArgument.Map, BpfArgument.Number],
            MapTypes = [MapType.RingBuffer],
        },
    ];

    private static ulong PerfOutput(BpfExecution run, ulong context, ulong map, ulong flags, ulong data, ulong bytes)
    {
        if (!TryRead(run, map, data, bytes, out PerfEventArray? array, out ReadOnlySpan<byte> record)) return 0;
        return flags > uint.MaxValue ? Error(MapErrors.Invalid) : Error(array.Output((uint)flags, record));
    }

    private static ulong Output(BpfExecution run, ulong map, ulong data, ulong bytes, ulong flags, ulong r5) =>
        TryRead(run, map, data, bytes, out RingBuffer? ring, out ReadOnlySpan<byte> record)
            ? Error(ring.Output(record, flags))
            : 0;

    // What is not given back is discarded at the end of the run.
    private static ulong Reserve(BpfExecution run, ulong map, ulong bytes, ulong flags, ulong r4, ulong r5)
    {
        if (!run.TryGetMap(map, out GroupMap? found) || found is not RingBuffer ring) return 0;
        byte* record = ring.Reserve(bytes, flags);
        if (record != null) run.Hold(record, (int)bytes, ring);
        return (ulong)record;
    }

    private static ulong Commit(BpfExecution run, ulong record, ulong flags, bool discards)
    {
        if (run.TryLetGo(record, out object? owner)) ((RingBuffer)owner).Commit((byte*)record, discards, flags);
        return 0;
    }

    private static ulong Query(BpfExecution run, ulong map, ulong what, ulong r3, ulong r4, ulong r5)
    {
        if (!run.TryGetMap(map, out GroupMap? found) || found is not RingBuffer ring) return 0;
        return what > int.MaxValue ? 0 : ring.Query((RingQuery)what);
    }

    private static bool TryRead<T>(
        BpfExecution run,
        ulong map,
        ulong data,
        ulong bytes,
        [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out T? found,
        out ReadOnlySpan<byte> record)
        where T : GroupMap
    {
        found = run.TryGetMap(map, out GroupMap? any) ? any as T : null;
        record = default;
        return found is not null && bytes <= int.MaxValue && run.TryReadMemory(data, (int)bytes, out record)
            && run.TryPayForBytes((long)bytes);
    }

    private static ulong Error(int error) => (ulong)(long)error;
}
