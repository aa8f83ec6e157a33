using Allot.Maps;

namespace Allot.Bpf;

/// <content>What helpers need in their arguments.</content>
internal sealed partial class BpfVerifier
{
    private void CheckArgument(ref HelperCall call, int register)
    {
        (int at, BpfHelper helper) = (call.At, call.Helper);
        BpfArgument argument = helper.Arguments[register - 1];
        if (argument == BpfArgument.Anything && helper.HasOptionalArguments) return;
        RegisterState state = Written(at, register);
        switch (argument)
        {
            case BpfArgument.Map:
                Require(state.Kind == RegisterKind.Map, at, register, state, "a map", helper);
                (call.MapIndex, call.Map) = (state.Of, _maps[state.Of]);
                RequireType(at, register, helper, call.Map);
                break;
            case BpfArgument.MapKey:
                Readable(at, register, call.Map!.KeyBytes);
                break;
            case BpfArgument.MapValue or BpfArgument.MapValueOrNone or BpfArgument.MapValueToWrite:
                CheckMapValue(at, register, argument, call.Map!);
                break;
            case BpfArgument.Number or BpfArgument.Bytes or BpfArgument.BytesOrNone:
                Require(state.IsNumber, at, register, state, "a number", helper);
                break;
            case BpfArgument.MemoryOfMap:
                bool isValue = state.Kind == RegisterKind.MapValue;
                Require(isValue, at, register, state, "an address in a value of a map", helper);
                Accessible(at, register, 0, 0, writes: false);
                CheckMemory(at, register, helper, argument);
                break;
            case BpfArgument.MemoryToRead or BpfArgument.MemoryToWrite:
                CheckMemory(at, register, helper, argument);
                break;
            case BpfArgument.Context:
                bool isContext = state is { Kind: RegisterKind.Memory, Offset: 0, Range: { IsConstant: true } };
                Require(isContext, at, register, state, "the first argument of the program", helper);
                break;
            case BpfArgument.Function:
                bool isCallback = state.Kind == RegisterKind.Function && helper.Callback != BpfCallback.None;
                Require(isCallback, at, register, state, "a function of the program", helper);
                break;
            case BpfArgument.FunctionContext:
                bool isOnStack = state.Kind == RegisterKind.Stack || IsZero(state);
                Require(isOnStack, at, register, state, "an address in the stack, or 0,", helper);
                Need(register);
                break;
            case BpfArgument.BytesToReserve or BpfArgument.BytesOfSlice:
                call.Bytes = SizeAt(at, register, helper, least: argument == BpfArgument.BytesToReserve ? 1ul : 0);
                break;
            case BpfArgument.Reserved:
                bool isReserved = state is { Kind: RegisterKind.Reserved, Offset: 0, Range: { IsConstant: true } };
                Require(isReserved, at, register, state, "the address of reserved memory", helper);
                GiveBack(state.Id);
                break;
            case BpfArgument.DynamicPointerToMake:
                call.Made = PlaceForPointer(at, register, helper);
                break;
            case BpfArgument.DynamicPointer:
                call.Pointer = PointerAt(at, register, helper).Id;
                break;
            case BpfArgument.DynamicPointerToGiveBack:
                GiveBackPointer(at, register, helper);
                break;
        }
    }

    private void CheckMapValue(int at, int register, BpfArgument argument, MapDefinition map)
    {
        if (argument == BpfArgument.MapValueOrNone)
        {
            Need(register);   // 0 where there is none
            if (IsZero(_path.Top[register])) return;
        }

        bool isWritten = argument == BpfArgument.MapValueToWrite && map.Type != MapType.BloomFilter;
        if (isWritten) Writable(at, register, (int)map.ValueBytes);
        else Readable(at, register, (int)map.ValueBytes);
    }

    private int SizeAt(int at, int register, BpfHelper helper, ulong least)
    {
        RegisterState size = _path.Top[register];
        bool isSize = size is { IsNumber: true, Range: { IsConstant: true, Least: < OffsetMax } }
            && size.Range.Least >= least;
        Require(isSize, at, register, size, "a constant number of bytes", helper);
        Need(register);
        return (int)size.Range.Least;
    }

    private static bool IsZero(in RegisterState state) =>
        state is { IsNumber: true, Range: { IsConstant: true, Least: 0 } };

    private void Require(bool holds, int at, int register, in RegisterState state, string needed, BpfHelper helper)
    {
        if (holds) return;
        throw _code.Refuse(at, $"is {state.Describe()}; {helper.Name} needs {needed} there", register);
    }

    private void RequireType(int at, int register, BpfHelper helper, MapDefinition map)
    {
        if (helper.ChangesMap && map.Has(MapFlags.ReadOnlyForPrograms))
        {
            throw _code.Refuse(
                at, $"{helper.Name} changes '{map.Name}', which is read-only for programs", register);
        }

        if (helper.MapTypes.Count == 0 || helper.MapTypes.Contains(map.Type)) return;
        throw _code.Refuse(
            at,
            $"'{map.Name}' is a map of type {map.Type}; {helper.Name} needs {string.Join(", ", helper.MapTypes)}",
            register);
    }

    private void Readable(int at, int register, int bytes)
    {
        RegisterState address = Accessible(at, register, 0, bytes, writes: false);
        if (address.Kind != RegisterKind.Stack) return;
        (int first, int last) = Bounds(address, 0);
        RequireReadable(at, register, address, first, last - first + bytes);
    }

    // What the helper writes is written afterwards.
    private void Writable(int at, int register, int bytes)
    {
        RegisterState address = Accessible(at, register, 0, bytes, writes: true);
        if (address.Kind != RegisterKind.Stack) return;
        (int first, int last) = Bounds(address, 0);
        Overwrite(at, register, _path.Frames[address.Of].Stack, first, last - first + bytes);
        _path.Frames[address.Of].Stack.Store(first, last - first + bytes, number: null, first == last);
    }

    private void CheckMemory(int at, int register, BpfHelper helper, BpfArgument argument)
    {
        RegisterState size = Written(at, register + 1);
        Require(size.IsNumber, at, register + 1, size, "a number of bytes", helper);
        bool mayBeNone = helper.Arguments[register] == BpfArgument.BytesOrNone;
        if (size.Range.Most >= OffsetMax)
        {
            throw _code.Refuse(at, "is a number of bytes without a bound: compare it before", register + 1);
        }

        if (!mayBeNone && size.Range.Least == 0)
        {
            throw _code.Refuse(at, $"is a number of bytes that may be 0; {helper.Name} needs 1 at least", register + 1);
        }

        Need(register + 1);
        int most = (int)size.Range.Most;
        Need(register);   // 0 where there is none
        if (most == 0) return;
        if (argument == BpfArgument.MemoryToRead)
        {
            Readable(at, register, most);
            return;
        }

        RegisterState address = Accessible(at, register, 0, most, writes: true);
        if (address.Kind != RegisterKind.Stack) return;
        (int first, int last) = Bounds(address, 0);
        bool isCertain = first == last && size.Range.IsConstant;
        Overwrite(at, register, _path.Frames[address.Of].Stack, first, last - first + most);
        _path.Frames[address.Of].Stack.Store(first, last - first + most, number: null, isCertain);
    }

    // What the arguments of a call say of it, one after the other.
    private struct HelperCall
    {
        public required int At { get; init; }

        public required BpfHelper Helper { get; init; }

        public MapDefinition? Map { get; set; }

        public int MapIndex { get; set; }

        /// <summary>Of what is reserved, or of a slice.</summary>
        public int Bytes { get; set; }

        /// <summary>The dynamic pointer that is used.</summary>
        public int Pointer { get; set; }

        /// <summary>Where a dynamic pointer is made.</summary>
        public (int Frame, int Offset)? Made { get; set; }
    }
}
