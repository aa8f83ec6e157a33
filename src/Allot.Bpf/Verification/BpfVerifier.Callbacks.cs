// Functions that helpers call. How often, only the run knows. So from the call of such a helper two ways go on: it
// returns, or it calls the function once more, which comes back to the call when it ends. A call that is come back to
// is like the head of a loop: its state is remembered, and a path that comes back knowing no less than one of the same
// call did ends there, although that state is still open. Nothing has to change from round to round, because the helper
// counts.
//
// For rounds to become the same, numbers that do not matter and have changed since the round before are forgotten,
// after some rounds in which they become what they were in both.
// Those that matter are kept, and their rounds are followed one by one, for RoundsMax rounds; then they are forgotten
// too. Forgetting is always right: it only adds paths.
//
// A path that ends at an open state relies on all that this state says, so all numbers on the way to it matter. And
// what is remembered on that way is proven only if the open state is. Until then it counts for paths of the same call
// alone: another call could be one further round of a loop around it, which would never be seen to end.

namespace Allot.Bpf;

/// <content>Helpers that call functions of the program.</content>
internal sealed partial class BpfVerifier
{
    private const int CountRegister = 1;
    private const int RoundsFew = 3;     // in which numbers become those of both rounds, and not all
    private const int RoundsMax = 500;   // that are followed with numbers that matter as they are

    private readonly bool[] _callsBack;
    private int _lastActivation;

    private bool CallsBack(BpfOperation operation) =>
        operation.Op == BpfOp.CallHelper
        && _input.Helpers.TryGetValue((int)operation.Number, out BpfHelper? helper)
        && helper.Callback != BpfCallback.None;

    // For the first time, or back from the function.
    private void ArriveAtCallback(int at, Checkpoint? parent)
    {
        FrameState top = _path.Top;
        if (top.Activation == 0)
        {
            top.Activation = ++_lastActivation;
            top.Round = 0;
            return;
        }

        Forget(at, parent, top.Round);
    }

    // Numbers that are not what they were when the path was here before, in the same call.
    private void Forget(int at, Checkpoint? parent, int round)
    {
        FrameState top = _path.Top;
        while (parent is not null && (parent.At != at || parent.Activation != top.Activation)) parent = parent.Parent;
        if (parent?.State is not { } before || before.Frames.Count != _path.Frames.Count) return;
        for (int frame = 0; frame < _path.Frames.Count; frame++)
        {
            bool keeps = round <= RoundsMax;
            int registers = keeps ? parent.RealMarks.Registers(frame) : 0;
            ulong slots = keeps ? parent.RealMarks.Slots(frame) : 0;
            _path.Frames[frame].Widen(before.Frames[frame], registers, slots, toAll: round > RoundsFew);
        }
    }

    // Goes on with what follows the call, and leaves the function that is called for later.
    private int CallBack(int at, BpfOperation operation, Checkpoint? parent)
    {
        BpfHelper helper = _input.Helpers[(int)operation.Number];
        PathState calls = _path.Copy();
        calls.Step = _trace.Add(_trace[_path.Step].Previous, at);
        _trace[calls.Step].Extra = 1;
        if (helper.Callback == BpfCallback.Count) Need(CountRegister);
        CallHelper(at, helper.Number);
        bool isCounted = helper.Callback == BpfCallback.Count;
        ulong roundsMost = isCounted ? calls.Top[CountRegister].Range.Most : ulong.MaxValue;
        if ((ulong)calls.Top.Round < roundsMost) EnterCallback(at, helper, calls, parent);
        _path.Top.Activation = 0;
        _path.Top.Round = 0;
        return _code.Next(at);
    }

    private void EnterCallback(int at, BpfHelper helper, PathState path, Checkpoint? parent)
    {
        if (path.Frames.Count == BpfExecution.FramesMax)
        {
            throw _code.Refuse(at, $"more than {BpfExecution.FramesMax} functions call each other");
        }

        FrameState caller = path.Top;
        caller.Round++;
        int function = caller[1 + IndexOf(helper, BpfArgument.Function)].Of;
        RegisterState context = caller[1 + IndexOf(helper, BpfArgument.FunctionContext)];
        int borrowed = ++_lastId;
        var callee = new FrameState(_code.FunctionOf(function), path.Frames.Count, at)
        {
            Callback = new CallbackEntry(borrowed, [.. path.Reservations]),
        };
        switch (helper.Callback)
        {
            case BpfCallback.Count:
                callee[1] = RegisterState.AnyNumber;
                callee[2] = context;
                break;
            case BpfCallback.Element:
                int map = caller[1].Of;
                callee[1] = RegisterState.Address(RegisterKind.Map, map);
                callee[2] = RegisterState.Address(RegisterKind.MapKey, map) with { Id = borrowed };
                callee[3] = RegisterState.Address(RegisterKind.MapValue, map);
                callee[4] = context;
                break;
            default:
                callee[1] = RegisterState.Address(RegisterKind.LentPointer) with { Id = borrowed };
                callee[2] = context;
                break;
        }

        path.Frames.Add(callee);
        Push(path, function, parent);
    }

    private static int IndexOf(BpfHelper helper, BpfArgument argument)
    {
        int index = 0;
        while (helper.Arguments[index] != argument) index++;
        return index;
    }

    // Back to the call.
    private int ExitCallback(int at, CallbackEntry entry)
    {
        RegisterState result = Written(at, 0);
        if (!result.IsNumber || result.Range.Most > 1)
        {
            string what = result.IsNumber ? "a number that may be something else" : result.Describe();
            throw _code.Refuse(at, $"is {what}; a function that is called back returns 0 or 1", 0);
        }

        Need(0);
        _trace[_path.Step].Extra = 1;
        if (!_path.Reservations.SequenceEqual(entry.Reservations))
        {
            throw _code.Refuse(
                at, "a function that is called back gives back what it has reserved, and nothing that it has not");
        }

        int call = _path.Top.ReturnTo;
        _path.Frames.RemoveAt(_path.Frames.Count - 1);
        Forget(entry.Borrowed);
        return call;
    }

    // The path has come back to a state of its own call, which is still open, and adds nothing to it.
    private void EndAt(Checkpoint state, Checkpoint? parent)
    {
        _needed.SetAll(_path.Frames.Count);
        _marksAll = true;
        WalkBack(_path.Step, _path.Frames.Count - 1);
        _marksAll = false;
        DependOn(state, parent);
    }

    private static void DependOn(Checkpoint open, Checkpoint? parent)
    {
        for (Checkpoint? each = parent; each is not null && each != open; each = each.Parent)
        {
            if (each.DependsOn is null || each.DependsOn.Number < open.Number) each.DependsOn = open;
        }
    }

    // Of what a state with no open path relies on, the innermost that is still open; null when it is proven.
    private static Checkpoint? OpenBelow(Checkpoint state)
    {
        Checkpoint? below = state.DependsOn;
        while (below is { OpenPaths: 0 }) below = below.DependsOn;
        return below;
    }

    private bool IsInCallOf(Checkpoint state) =>
        state.Depth < _path.Frames.Count && _path.Frames[state.Depth].Activation == state.Activation;

    // Whether both are in the same round of the same calls: coming back there is a loop of the program itself.
    private bool IsInRoundOf(PathState state)
    {
        for (int frame = 0; frame < state.Frames.Count; frame++)
        {
            FrameState a = state.Frames[frame], b = _path.Frames[frame];
            if (a.Activation != b.Activation || a.Round != b.Round || a.GotoRound != b.GotoRound) return false;
        }

        return true;
    }
}
