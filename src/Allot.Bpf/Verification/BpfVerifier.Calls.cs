using Allot.Maps;

namespace Allot.Bpf;

/// <content>Calls of helpers and of functions of the program, and exits.</content>
internal sealed partial class BpfVerifier
{
    private const int LookupHelper = 1;
    private const int TailCallHelper = 12;

    private int CallLocal(int at, BpfOperation operation)
    {
        if (_path.Frames.Count == BpfExecution.FramesMax)
        {
            throw _code.Refuse(at, $"more than {BpfExecution.FramesMax} functions call each other");
        }

        FrameState caller = _path.Top;
        var callee = new FrameState(_code.FunctionOf(operation.Offset), _path.Frames.Count, _code.Next(at));
        for (int register = 1; register <= 5; register++) callee[register] = caller[register];
        for (int register = 0; register <= 5; register++) caller[register] = RegisterState.Unwritten;
        _path.Frames.Add(callee);
        return operation.Offset;
    }

    // Where the caller goes on; -1 at the end of the program.
    private int Exit(int at)
    {
        FrameState callee = _path.Top;
        if (_path.Frames.Count == 1)
        {
            RegisterState result = Written(at, 0);
            if (result.IsPointer) throw _code.Refuse(at, $"is {result.Describe()}; a program returns a number", 0);
            RequireNothingReserved(at, "the end");

            return -1;
        }

        if (callee.Callback is { } entry) return ExitCallback(at, entry);
        if (callee[0] is { Kind: RegisterKind.Stack } address && address.Of == _path.Frames.Count - 1)
        {
            throw _code.Refuse(at, "is an address in the stack of the function that ends here", 0);
        }

        _path.Frames.RemoveAt(_path.Frames.Count - 1);
        _path.Top[0] = callee[0];
        return callee.ReturnTo;
    }

    private void CallHelper(int at, BpfOperation operation)
    {
        int number = (int)operation.Number;
        if (!_input.Helpers.TryGetValue(number, out BpfHelper? helper))
        {
            throw _code.Refuse(at, $"there is no helper {number}");
        }

        MapDefinition? map = null;
        int mapIndex = 0;
        int reservedBytes = 0;
        (int Frame, int Offset)? made = null;
        int used = 0;
        for (int index = 0; index < helper.Arguments.Count; index++)
        {
            int register = index + 1;
            BpfArgument argument = helper.Arguments[index];
            if (argument == BpfArgument.Anything && helper.HasOptionalArguments) continue;
            RegisterState state = Written(at, register);
            switch (argument)
            {
                case BpfArgument.Map:
                    Require(state.Kind == RegisterKind.Map, at, register, state, "a map", helper);
                    map = _maps[mapIndex = state.Of];
                    RequireType(at, register, helper, map);
                    break;
                case BpfArgument.MapKey:
                    Readable(at, register, map!.KeyBytes);
                    break;
                case BpfArgument.MapValue:
                    Readable(at, register, (int)map!.ValueBytes);
                    break;
                case BpfArgument.MapValueOrNone:
                    Need(register);   // 0 where there is none
                    if (state is { IsNumber: true, Range: { IsConstant: true, Least: 0 } }) break;
                    Readable(at, register, (int)map!.ValueBytes);
                    break;
                case BpfArgument.MapValueToWrite:
                    if (map!.Type == MapType.BloomFilter) Readable(at, register, (int)map.ValueBytes);
                    else Writable(at, register, (int)map.ValueBytes);
                    break;
                case BpfArgument.Number or BpfArgument.Bytes or BpfArgument.BytesOrNone:
                    Require(state.IsNumber, at, register, state, "a number", helper);
                    break;
                case BpfArgument.MemoryOfMap or BpfArgument.MemoryToRead or BpfArgument.MemoryToWrite:
                    bool isThere = argument != BpfArgument.MemoryOfMap || state.Kind == RegisterKind.MapValue;
                    Require(isThere, at, register, state, "an address in a value of a map", helper);
                    if (argument == BpfArgument.MemoryOfMap) Accessible(at, register, 0, 0, writes: false);
                    Memory(at, register, helper, argument, helper.Arguments[index + 1]);
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
                    bool isOnStack = state.Kind == RegisterKind.Stack
                        || state is { IsNumber: true, Range: { IsConstant: true, Least: 0 } };
                    Require(isOnStack, at, register, state, "an address in the stack, or 0,", helper);
                    Need(register);
                    break;
                case BpfArgument.DynamicPointerToMake:
                    made = PlaceForPointer(at, register, helper);
                    break;
                case BpfArgument.DynamicPointer:
                    used = PointerAt(at, register, helper).Id;
                    break;
                case BpfArgument.DynamicPointerToGiveBack:
                    RegisterState given = PointerAt(at, register, helper);
                    bool isReservedOne = given is { Kind: RegisterKind.DynamicPointer, Of: ReservedPointer };
                    Require(isReservedOne, at, register, given, "one whose memory was reserved", helper);
                    GiveBack(given.Id);
                    Forget(given.Id);
                    break;
                case BpfArgument.BytesToReserve or BpfArgument.BytesOfSlice:
                    ulong least = argument == BpfArgument.BytesToReserve ? 1ul : 0;
                    bool isSize = state is { IsNumber: true, Range: { IsConstant: true, Least: < OffsetMax } }
                        && state.Range.Least >= least;
                    Require(isSize, at, register, state, "a constant number of bytes", helper);
                    Need(register);
                    reservedBytes = (int)state.Range.Least;
                    break;
                case BpfArgument.Reserved:
                    bool isReserved = state is { Kind: RegisterKind.Reserved, Offset: 0, Range: { IsConstant: true } };
                    Require(isReserved, at, register, state, "the address of reserved memory", helper);
                    GiveBack(state.Id);
                    break;
            }
        }

        if (made is { } place) MakePointer(at, place, helper);
        if (number == TailCallHelper) CheckTailCall(at);
        for (int register = 0; register <= 5; register++) _path.Top[register] = RegisterState.Unwritten;
        _path.Top[0] = helper.Result switch
        {
            BpfResult.Number => RegisterState.AnyNumber,
            BpfResult.Nothing => RegisterState.Unwritten,
            BpfResult.MapValueOrZero when number == LookupHelper && _maps.InnerOf(mapIndex) is { } inner =>
                RegisterState.Address(RegisterKind.MapOrZero, inner) with { Id = ++_lastId },
            BpfResult.MapValueOrZero =>
                RegisterState.Address(RegisterKind.MapValueOrZero, mapIndex) with { Id = ++_lastId },
            BpfResult.SliceOrZero =>
                RegisterState.Address(RegisterKind.SliceOrZero, used) with { Id = ++_lastId, Bytes = reservedBytes },
            _ => Reserve(at, reservedBytes),
        };
    }

    private void RequireNothingReserved(int at, string before)
    {
        if (_path.Reservations.Count == 0) return;
        int by = _path.Reservations[0].Instruction;
        throw _code.Refuse(
            at, $"the memory that instruction {by} has reserved was not given back on this path, before {before}");
    }

    private RegisterState Reserve(int at, int bytes)
    {
        _path.Reservations.Add(new PathState.Reservation(++_lastId, at));
        return RegisterState.Address(RegisterKind.ReservedOrZero) with { Id = _lastId, Bytes = bytes };
    }

    private void GiveBack(int reservation)
    {
        _path.Reservations.RemoveAll(each => each.Id == reservation);
        _path.ForEachRegister(each =>
            each.Kind == RegisterKind.Reserved && each.Id == reservation ? RegisterState.Unwritten : each);
    }

    private void CheckTailCall(int at)
    {
        if (_path.Frames.Count > 1) throw _code.Refuse(at, "a tail call is made by the program, not by a function");
        RequireNothingReserved(at, "a tail call");
    }

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

    private void Memory(int at, int register, BpfHelper helper, BpfArgument argument, BpfArgument sizeArgument)
    {
        RegisterState size = Written(at, register + 1);
        Require(size.IsNumber, at, register + 1, size, "a number of bytes", helper);
        bool mayBeNone = sizeArgument == BpfArgument.BytesOrNone;
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
        RegisterState address = Written(at, register);
        Need(register);   // 0 where there is none
        bool isNone = mayBeNone && address is { IsNumber: true, Range: { IsConstant: true, Least: 0 } };
        if (most == 0 || (isNone && most == 0)) return;
        if (argument == BpfArgument.MemoryToRead)
        {
            Readable(at, register, most);
            return;
        }

        address = Accessible(at, register, 0, most, writes: true);
        if (address.Kind != RegisterKind.Stack) return;
        (int first, int last) = Bounds(address, 0);
        bool isCertain = first == last && size.Range.IsConstant;
        Overwrite(at, register, _path.Frames[address.Of].Stack, first, last - first + most);
        _path.Frames[address.Of].Stack.Store(first, last - first + most, number: null, isCertain);
    }
}
