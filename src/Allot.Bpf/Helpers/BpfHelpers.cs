using System.Diagnostics;
using System.Security.Cryptography;
using Allot.Maps;

namespace Allot.Bpf;

/// <summary>The helpers that programs have without the host's doing, with the numbers and arguments of Linux.</summary>
public static unsafe class BpfHelpers
{
    private const ulong Failed = ulong.MaxValue;   // -1

    // Maps of keys and values, which programs use by address.
    private static readonly MapType[] s_values =
    [
        MapType.Hash, MapType.Array, MapType.PerCpuHash, MapType.PerCpuArray, MapType.LruHash, MapType.LruPerCpuHash,
        MapType.LpmTrie,
    ];

    private static readonly MapType[] s_perCpu = [MapType.PerCpuHash, MapType.PerCpuArray, MapType.LruPerCpuHash];

    /// <summary>All of them.</summary>
    public static IReadOnlyList<BpfHelper> Standard { get; } =
    [
        new(1, "map_lookup_elem", MapLookup)
        {
            Arguments = [BpfArgument.Map, BpfArgument.MapKey],
            MapTypes = [.. s_values, MapType.ArrayOfMaps, MapType.HashOfMaps],
            Result = BpfResult.MapValueOrZero,
        },
        new(2, "map_update_elem", MapUpdate)
        {
            Arguments = [BpfArgument.Map, BpfArgument.MapKey, BpfArgument.MapValue, BpfArgument.Number],
            MapTypes = s_values,
            ChangesMap = true,
            CopiesValue = true,
        },
        new(3, "map_delete_elem", MapDelete)
        {
            Arguments = [BpfArgument.Map, BpfArgument.MapKey],
            MapTypes = [.. s_values, MapType.SockMap, MapType.SockHash],
            ChangesMap = true,
        },
        new(5, "ktime_get_ns", static (_, _, _, _, _, _) => Nanoseconds()),
        new(6, "trace_printk", Print)
        {
            Arguments =
            [
                BpfArgument.MemoryToRead, BpfArgument.Bytes, BpfArgument.Anything, BpfArgument.Anything,
                BpfArgument.Anything,
            ],
            HasOptionalArguments = true,
        },
        new(7, "get_prandom_u32", static (_, _, _, _, _, _) => (uint)RandomNumberGenerator.GetInt32(int.MaxValue) * 2u
            + (ulong)RandomNumberGenerator.GetInt32(2)),
        new(8, "get_smp_processor_id", static (_, _, _, _, _, _) => (ulong)Thread.GetCurrentProcessorId()),
        new(12, "tail_call", TailCall)
        {
            Arguments = [BpfArgument.Context, BpfArgument.Map, BpfArgument.Number],
            MapTypes = [MapType.ProgramArray],
        },
        new(195, "map_lookup_percpu_elem", MapLookupOf)
        {
            Arguments = [BpfArgument.Map, BpfArgument.MapKey, BpfArgument.Number],
            MapTypes = s_perCpu,
            Result = BpfResult.MapValueOrZero,
        },
        .. BpfRingHelpers.All,
        .. BpfRedirectHelpers.All,
        .. BpfStorageHelpers.All,
        .. BpfQueueHelpers.All,
        .. BpfCallbackHelpers.All,
        .. BpfDynamicPointerHelpers.All,
    ];

    private static ulong MapLookup(BpfExecution execution, ulong map, ulong key, ulong r3, ulong r4, ulong r5) =>
        execution.TryGetMap(map, out GroupMap? found)
        && execution.TryReadKey(found, key, out byte* bytes)
            ? found is ArrayOfMaps or HashOfMaps ? execution.LookUpInner(found, bytes) : (ulong)found.Lookup(bytes)
            : 0;

    private static ulong MapLookupOf(
        BpfExecution execution, ulong map, ulong key, ulong processor, ulong r4, ulong r5) =>
        execution.TryGetMap(map, out GroupMap? found)
        && execution.TryReadKey(found, key, out byte* bytes) && processor <= int.MaxValue
            ? (ulong)found.LookupOf(bytes, (int)processor)
            : 0;

    private static ulong MapUpdate(BpfExecution execution, ulong map, ulong key, ulong value, ulong flags, ulong r5) =>
        execution.TryGetMapToChange(map, out GroupMap? found)
        && execution.TryReadKey(found, key, out byte* keyBytes)
        && execution.TryRead(value, (int)found.Definition.ValueBytes, out byte* valueBytes)
        && execution.TryPayForValue(found)
            ? (ulong)found.Update(keyBytes, valueBytes, flags)
            : Failed;

    private static ulong MapDelete(BpfExecution execution, ulong map, ulong key, ulong r3, ulong r4, ulong r5) =>
        execution.TryGetMapToChange(map, out GroupMap? found)
        && execution.TryReadKey(found, key, out byte* bytes)
            ? (ulong)found.Delete(bytes)
            : Failed;

    private static ulong Print(BpfExecution execution, ulong format, ulong bytes, ulong r3, ulong r4, ulong r5)
    {
        const int BytesMax = 1 << 10;
        if (bytes > BytesMax || !execution.TryRead(format, (int)bytes, out byte* text)) return Failed;
        string line = TraceFormat.Format(new ReadOnlySpan<byte>(text, (int)bytes), [r3, r4, r5]);
        execution.Trace?.Invoke(line);
        return (ulong)line.Length;
    }

    private static ulong TailCall(BpfExecution execution, ulong context, ulong map, ulong index, ulong r4, ulong r5)
    {
        if (!execution.TryGetMap(map, out GroupMap? found)) return Failed;
        if (found is not BpfProgramArray programs || execution.TailCalls == BpfExecution.TailCallsMax) return Failed;
        if (programs.Find((uint)index) is not { } next) return Failed;
        if ((ulong)next.MemoryBytesMin > execution.MemoryBytes)
        {
            next.Release();   // it was proven to be safe with more memory than this run has
            return Failed;
        }

        execution.TailCallTo(next);
        return 0;
    }

    private static ulong Nanoseconds()
    {
        const long PerSecond = 1_000_000_000;
        long ticks = Stopwatch.GetTimestamp();
        (long seconds, long rest) = Math.DivRem(ticks, Stopwatch.Frequency);
        return (ulong)((seconds * PerSecond) + (rest * PerSecond / Stopwatch.Frequency));
    }
}
