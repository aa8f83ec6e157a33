using System.Diagnostics;

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

    // The helper is the one that the register names on this path; on another it may be another.
    private void CallRegister(int at, int register)
    {
        RegisterState state = Written(at, register);
        if (!state.IsNumber || !state.Range.IsConstant)
        {
            throw _code.Refuse(
                at,
                $"is {state.Describe()}; a call through a register needs a constant there, the number of a helper",
                register);
        }

        Need(register);
        long number = (long)state.Range.Least;
        if (number != (int)number || !_input.Helpers.TryGetValue((int)number, out BpfHelper? helper))
        {
            throw _code.Refuse(at, $"is {number}; there is no helper of that number", register);
        }

        if (helper.Callback != BpfCallback.None)
        {
            throw _code.Refuse(
                at,
                $"is {number}, the number of {helper.Name}; a helper that calls functions of the program is called by "
                + "its number, not through a register",
                register);
        }

        CallHelper(at, helper.Number);
    }

    private void CallHelper(int at, int number)
    {
        if (!_input.Helpers.TryGetValue(number, out BpfHelper? helper))
        {
            throw _code.Refuse(at, $"there is no helper {number}");
        }

        var call = new HelperCall { At = at, Helper = helper };
        for (int register = 1; register <= helper.Arguments.Count; register++) CheckArgument(ref call, register);
        if (call.Made is { } place) MakePointer(at, place, helper);
        if (number == TailCallHelper) CheckTailCall(at);
        for (int register = 0; register <= 5; register++) _path.Top[register] = RegisterState.Unwritten;
        _path.Top[0] = ResultOf(call);
    }

    private RegisterState ResultOf(in HelperCall call) => call.Helper.Result switch
    {
        BpfResult.Number => RegisterState.AnyNumber,
        BpfResult.Nothing => RegisterState.Unwritten,
        BpfResult.MapValueOrZero when call.Helper.Number == LookupHelper && _maps.InnerOf(call.MapIndex) is { } inner =>
            RegisterState.Address(RegisterKind.MapOrZero, inner) with { Id = ++_lastId },
        BpfResult.MapValueOrZero =>
            RegisterState.Address(RegisterKind.MapValueOrZero, call.MapIndex) with { Id = ++_lastId },
        BpfResult.SliceOrZero =>
            RegisterState.Address(RegisterKind.SliceOrZero, call.Pointer) with { Id = ++_lastId, Bytes = call.Bytes },
        _ => Reserve(call.At, call.Bytes),
    };

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
        int given = _path.Reservations.RemoveAll(each => each.Id == reservation);
        Debug.Assert(given == 1, "What is given back was reserved, and is gone then.");
        _path.ForEachRegister(each =>
            each.Kind == RegisterKind.Reserved && each.Id == reservation ? RegisterState.Unwritten : each);
    }

    private void CheckTailCall(int at)
    {
        if (_path.Frames.Count > 1) throw _code.Refuse(at, "a tail call is made by the program, not by a function");
        RequireNothingReserved(at, "a tail call");
    }
}
