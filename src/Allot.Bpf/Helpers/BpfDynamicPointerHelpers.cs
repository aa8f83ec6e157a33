using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Allot.Maps;

namespace Allot.Bpf;

/// <summary>Dynamic pointers: memory of values and of records in rings, whose bounds helpers check.</summary>
internal static unsafe class BpfDynamicPointerHelpers
{
    public static IReadOnlyList<BpfHelper> All { get; } =
    [
        new(197, "dynptr_from_mem", FromMemory)
        {
            Arguments =
            [
                BpfArgument.MemoryOfMap, BpfArgument.BytesOrNone, BpfArgument.Number, BpfArgument.DynamicPointerToMake,
            ],
        },
        new(198, "ringbuf_reserve_dynptr", Reserve)
        {
            Arguments =
                [BpfArgument.Map, BpfArgument.Number, BpfArgument.Number, BpfArgument.DynamicPointerToMake],
            MapTypes = [MapType.RingBuffer],
            Reserves = true,
        },
        new(199, "ringbuf_submit_dynptr", static (run, at, flags, _, _, _) => Commit(run, at, flags, discards: false))
        {
            Arguments = [BpfArgument.DynamicPointerToGiveBack, BpfArgument.Number],
            Result = BpfResult.Nothing,
        },
        new(200, "ringbuf_discard_dynptr", static (run, at, flags, _, _, _) => Commit(run, at, flags, discards: true))
        {
            Arguments = [BpfArgument.DynamicPointerToGiveBack, BpfArgument.Number],
            Result = BpfResult.Nothing,
        },
        new(201, "dynptr_read", Read)
        {
            Arguments =
            [
                BpfArgument.MemoryToWrite, BpfArgument.BytesOrNone, BpfArgument.DynamicPointer, BpfArgument.Number,
                BpfArgument.Number,
            ],
            Pays = true,
        },
        new(202, "dynptr_write", Write)
        {
            Arguments =
            [
                BpfArgument.DynamicPointer, BpfArgument.Number, BpfArgument.MemoryToRead, BpfArgument.BytesOrNone,
                BpfArgument.Number,
            ],
            Pays = true,
        },
        new(203, "dynptr_data", Data)
        {
            Arguments = [BpfArgument.DynamicPointer, BpfArgument.Number, BpfArgument.BytesOfSlice],
            Result = BpfResult.SliceOrZero,
        },
        new(209, "user_ringbuf_drain", Drain)
        {
            Arguments = [BpfArgument.Map, BpfArgument.Function, BpfArgument.FunctionContext, BpfArgument.Number],
            MapTypes = [MapType.UserRingBuffer],
            Callback = BpfCallback.Record,
        },
    ];

    // A pointer that was not made is one to nothing, which all helpers take.
    private static ulong FromMemory(BpfExecution run, ulong data, ulong bytes, ulong flags, ulong at, ulong r5)
    {
        int error = bytes > BpfDynamicPointer.LengthMax ? MapErrors.TooBig
            : flags != 0 ? MapErrors.Invalid
            : MapErrors.None;
        BpfDynamicPointer pointer = error == MapErrors.None ? new(data, bytes) : default;
        return pointer.TryWrite(run, at) ? Error(error) : 0;
    }

    private static ulong Reserve(BpfExecution run, ulong map, ulong size, ulong flags, ulong at, ulong r5)
    {
        if (!run.TryGetMap(map, out GroupMap? found) || found is not RingBuffer ring) return 0;
        if (!default(BpfDynamicPointer).TryWrite(run, at)) return 0;
        uint bytes = (uint)size;
        if (flags != 0) return Error(MapErrors.Invalid);
        if (bytes > BpfDynamicPointer.LengthMax) return Error(MapErrors.TooBig);
        byte* record = ring.Reserve(bytes, 0);
        if (record == null) return Error(MapErrors.Invalid);
        run.Hold(record, (int)bytes, ring);
        new BpfDynamicPointer((ulong)record, bytes).TryWrite(run, at);
        return 0;
    }

    private static ulong Commit(BpfExecution run, ulong at, ulong flags, bool discards)
    {
        if (!BpfDynamicPointer.TryRead(run, at, out BpfDynamicPointer pointer) || pointer.Data == 0) return 0;
        if (!run.TryLetGo(pointer.Data, out object? owner)) return 0;
        ((RingBuffer)owner).Commit((byte*)pointer.Data, discards, flags);
        default(BpfDynamicPointer).TryWrite(run, at);
        return 0;
    }

    private static ulong Read(BpfExecution run, ulong target, ulong bytes, ulong at, ulong offset, ulong flags)
    {
        if (!BpfDynamicPointer.TryRead(run, at, out BpfDynamicPointer pointer)) return 0;
        bytes = (uint)bytes;
        if (pointer.Data == 0 || flags != 0) return Clear(run, target, bytes, MapErrors.Invalid);
        offset = (uint)offset;
        return pointer.Has(offset, bytes)
            ? Copy(run, pointer.Data + offset, target, bytes)
            : Clear(run, target, bytes, MapErrors.TooBig);
    }

    // What is not read is 0: to the verifier the target is written whatever the helper returns.
    private static ulong Clear(BpfExecution run, ulong target, ulong bytes, int error)
    {
        if (bytes == 0) return Error(error);
        bool mayWrite = bytes <= int.MaxValue && run.TryPay((long)bytes / BpfExecution.BytesPerInstruction);
        if (mayWrite && run.TryGetMemory(target, (int)bytes, out Span<byte> memory)) memory.Clear();
        return Error(error);
    }

    private static ulong Write(BpfExecution run, ulong at, ulong offset, ulong source, ulong bytes, ulong flags)
    {
        if (!BpfDynamicPointer.TryRead(run, at, out BpfDynamicPointer pointer)) return 0;
        if (pointer.Data == 0 || flags != 0) return Error(MapErrors.Invalid);
        (bytes, offset) = ((uint)bytes, (uint)offset);
        return pointer.Has(offset, bytes) ? Copy(run, source, pointer.Data + offset, bytes) : Error(MapErrors.TooBig);
    }

    private static ulong Copy(BpfExecution run, ulong source, ulong target, ulong bytes)
    {
        if (bytes == 0) return 0;
        bool mayUse = bytes <= int.MaxValue && run.TryPay((long)bytes / BpfExecution.BytesPerInstruction)
            && run.TryRead(source, (int)bytes, out byte* _) && run.TryGetMemory(target, (int)bytes, out _);
        if (mayUse) Buffer.MemoryCopy((byte*)source, (byte*)target, bytes, bytes);
        return 0;
    }

    private static ulong Data(BpfExecution run, ulong at, ulong offset, ulong bytes, ulong r4, ulong r5)
    {
        if (!BpfDynamicPointer.TryRead(run, at, out BpfDynamicPointer pointer) || pointer.Data == 0) return 0;
        (bytes, offset) = ((uint)bytes, (uint)offset);
        return pointer.Has(offset, bytes) ? pointer.Data + offset : 0;
    }

    private static ulong Drain(BpfExecution run, ulong map, ulong function, ulong context, ulong flags, ulong r5)
    {
        const ulong WakeUpFlags = (ulong)(RingWakeUp.Never | RingWakeUp.Always);
        if (!run.TryGetMap(map, out GroupMap? found) || found is not UserRingBuffer ring) return 0;
        if ((flags & ~WakeUpFlags) != 0) return Error(MapErrors.Invalid);
        int records = ring.Drain(
            static (record, to) => Lend(record, to.Run, to.Function, to.Context),
            (Run: run, Function: function, Context: context),
            (RingWakeUp)flags);
        return run.IsStopped ? 0 : Error(records);
    }

    // The record and the pointer to it are the program's until the function returns.
    private static bool Lend(ReadOnlySpan<byte> record, BpfExecution run, ulong function, ulong context)
    {
        var bytes = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(record));   // of the ring, which stays
        var pointer = new BpfDynamicPointer((ulong)bytes, (ulong)record.Length);
        run.AddMemory((byte*)&pointer, BpfDynamicPointer.Bytes);
        run.AddMemory(bytes, record.Length);
        bool goesOn = run.TryCallBack(function, new((ulong)&pointer, context), out ulong result) && result == 0;
        run.RemoveMemory((byte*)&pointer);
        run.RemoveMemory(bytes);
        return goesOn;
    }

    private static ulong Error(int error) => (ulong)(long)error;
}
