using Allot.Maps;

namespace Allot.Bpf;

/// <summary>Helpers that call functions of the program. A function that returns 1 is not called again.</summary>
internal static unsafe class BpfCallbackHelpers
{
    private const ulong LoopsMax = 8 << 20;   // as in Linux
    private const long PlacesPerInstruction = 8;   // that are empty, and passed over

    public static IReadOnlyList<BpfHelper> All { get; } =
    [
        new(164, "for_each_map_elem", ForEachElement)
        {
            Arguments = [BpfArgument.Map, BpfArgument.Function, BpfArgument.FunctionContext, BpfArgument.Number],
            MapTypes =
            [
                MapType.Hash, MapType.PerCpuHash, MapType.LruHash, MapType.LruPerCpuHash, MapType.Array,
                MapType.PerCpuArray,
            ],
            Callback = BpfCallback.Element,
        },
        new(181, "loop", Loop)
        {
            Arguments = [BpfArgument.Number, BpfArgument.Function, BpfArgument.FunctionContext, BpfArgument.Number],
            Callback = BpfCallback.Count,
        },
    ];

    private static ulong Loop(BpfExecution run, ulong times, ulong function, ulong context, ulong flags, ulong r5)
    {
        if (flags != 0) return Error(MapErrors.Invalid);
        if ((uint)times > LoopsMax) return Error(MapErrors.TooBig);
        for (uint call = 0; call < (uint)times; call++)
        {
            if (!run.TryCallBack(function, new(call, context), out ulong result)) return 0;
            if (result != 0) return call + 1;
        }

        return (uint)times;
    }

    private static ulong ForEachElement(
        BpfExecution run, ulong map, ulong function, ulong context, ulong flags, ulong r5)
    {
        if (!run.TryGetMap(map, out GroupMap? found)) return 0;
        if (flags != 0) return Error(MapErrors.Invalid);
        int keyBytes = int.Max(1, found.Definition.KeyBytes);
        byte[]? large = keyBytes > BpfExecution.FrameBytes ? new byte[keyBytes] : null;
        byte* small = stackalloc byte[BpfExecution.FrameBytes];
        fixed (byte* pinned = large)
        {
            byte* key = large is null ? small : pinned;
            run.AddMemory(key, keyBytes);
            ulong elements = CallForEach(run, found, key, new(map, (ulong)key, 0, context), function);
            run.RemoveMemory(key);
            return elements;
        }
    }

    private static ulong CallForEach(
        BpfExecution run, GroupMap map, byte* key, CallbackArguments arguments, ulong function)
    {
        ulong elements = 0;
        long place = 0;
        while (true)
        {
            long before = place;
            if (!run.TryPayForKey(map)) return 0;
            byte* value = map.NextElement(ref place, key);
            if (!run.TryPay((place - before) / PlacesPerInstruction)) return 0;
            if (value == null) return elements;
            elements++;
            if (!run.TryCallBack(function, arguments with { R3 = (ulong)value }, out ulong result)) return 0;
            if (result != 0) return elements;
        }
    }

    private static ulong Error(int error) => (ulong)(long)error;
}
