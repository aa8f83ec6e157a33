// Proves, before a program runs, that it does nothing wrong: every path is followed with what registers and stack can
// hold on it, as sets of numbers and as addresses inside of known memory. What is not proven is refused.
//
// A path that comes to an instruction where another one has been, and knows no less than that one did, ends there: the
// rest has been proven. States are remembered at the targets of jumps. A state from which some path is still open is
// not proven yet; when a path comes back to one of its own with nothing changed, the loop may not end, and is refused.
// Loops that count are followed round by round, until they end or the number of visited instructions is too large.
//
// What is *not* proven: how long a program takes, other than that it ends; what helpers of the host do; that numbers
// read from memory mean anything. The engines check every address and the budget all the same: a mistake here is a
// refused or a failed program, never a broken host.

using System.Diagnostics;

namespace Allot.Bpf;

/// <summary>The verifier, for one program.</summary>
internal sealed partial class BpfVerifier
{
    private const int StatesFew = 8;           // remembered at an instruction without a second thought
    private const int StatesMax = 1024;        // the most that are; the oldest is forgotten for a new one
    private const int StatesOfAllMax = 1 << 14;
    private const int StepsFew = 8;            // a path that was remembered so lately is not again
    private const int OpenMax = 4;             // of those that are not proven, so many are looked at
    private const int PathsLeftMax = 8192;     // ways that were left for later, as in Linux
    private const int MissesMax = 64;          // a state that so many paths have known less than is forgotten
    private const long ScratchStepBytes = 64 << 10;
    private const long MarksBytes = 176;       // two arrays, their owner, and a place in a list
    private const long CheckpointBytes = 96;   // beside its state and its marks, and also once the state is forgotten

    private readonly BpfCode _code;
    private readonly VerifierInput _input;
    private readonly VerifierMaps _maps;
    private readonly BpfLiveness _liveness;
    private readonly List<Checkpoint>?[] _seen;
    private int _states;
    private readonly bool[] _isTarget;
    private readonly AccessPlace[] _places;
    private readonly Stack<(PathState State, int At, Checkpoint? Parent)> _open = [];
    private readonly IdPairs _ids = new();
    private readonly Dictionary<int, int> _idCounts = [];
    private PathState _path = new();
    private int _visited;
    private long _stepsBack;
    private int _lastId;
    private long _scratchBytes;
    private long _scratchBytesMax;
    private long _chargedBytes;

    private BpfVerifier(BpfCode code, VerifierInput input)
    {
        _code = code;
        _input = input;
        _maps = new VerifierMaps(input.Maps);
        _liveness = new BpfLiveness(code);
        int length = code.Operations.Length;
        _seen = new List<Checkpoint>?[length];
        _isTarget = new bool[length];
        _places = new AccessPlace[length];
        _callsBack = new bool[length];
        _sides = new Side[length];
        for (int at = 0; at < length; at++)
        {
            BpfOperation operation = code.Operations[at];
            if (operation.Op.IsJump()) _isTarget[operation.Offset] = true;
            _callsBack[at] = CallsBack(operation);
        }
    }

    /// <summary>Proves a program, or refuses it.</summary>
    /// <exception cref="BpfRefusedException">Something is not proven.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit refused what the verifier needs to remember.</exception>
    public static VerifierResult Verify(BpfCode code, VerifierInput input)
    {
        Reachability.Check(code);
        var verifier = new BpfVerifier(code, input);
        verifier.FollowAllPaths();
        return new VerifierResult
        {
            VisitedInstructions = verifier._visited,
            StepsBack = verifier._stepsBack,
            ScratchBytes = verifier._scratchBytesMax,
            Places = verifier._places,
            ComputesInArena = Array.ConvertAll(verifier._sides, static side => side == Side.Arena),
        };
    }

    private void FollowAllPaths()
    {
        var first = new PathState { MemoryBytes = _input.MemoryBytesMin };
        var frame = new FrameState(function: 0, depth: 0, returnTo: -1);
        frame[1] = RegisterState.Address(RegisterKind.Memory);
        var length = RegisterState.OfNumber(ScalarRange.Between((ulong)_input.MemoryBytesMin, int.MaxValue));
        frame[2] = length with { IsLength = true, Id = ++_lastId };
        first.Frames.Add(frame);
        Push(first, 0, parent: null);
        while (_open.TryPop(out (PathState State, int At, Checkpoint? Parent) next))
        {
            _path = next.State;
            _scratchBytes -= _path.ScratchBytes;
            Close(Follow(next.At, next.Parent));
        }

        AssertAllIsProven();
    }

    [Conditional("DEBUG")]
    private void AssertAllIsProven()
    {
        int states = 0;
        foreach (List<Checkpoint>? seen in _seen)
        {
            foreach (Checkpoint state in seen ?? [])
            {
                Debug.Assert(state.State is not null, "What was forgotten is not looked at.");
                Debug.Assert(state.OpenPaths == 0, "When no way is left, no path is open.");
                Debug.Assert(OpenBelow(state) is null, "What no open path is below of is proven.");
                states++;
            }
        }

        Debug.Assert(states == _states, "All states are counted.");
    }

    // To its end, and returns the last state that was remembered on it.
    private Checkpoint? Follow(int at, Checkpoint? parent)
    {
        while (true)
        {
            bool isMayGoto = _code.Operations[at].Op == BpfOp.MayGoto;
            if (_isTarget[at] || _callsBack[at] || isMayGoto)
            {
                if (_callsBack[at]) ArriveAtCallback(at, parent);
                if (isMayGoto) ArriveAtMayGoto(at, parent);
                if (IsProven(at, parent)) return parent;
                parent = Remember(at, parent);
            }

            if (++_visited > _input.VisitedMax) throw RefuseAsTooComplex(at);
            if (++_path.StepsSinceRemembered % StepsMarked == 0) MarkHere(at, parent);
            _path.Step = _trace.Add(_path.Step, at);
            BpfOperation operation = _code.Operations[at];
            BpfOp op = operation.Op;
            if (op == BpfOp.Exit)
            {
                int returnTo = Exit(at);
                if (returnTo < 0) return parent;
                at = returnTo;
            }
            else if (op == BpfOp.Ja)
            {
                at = operation.Offset;
            }
            else if (op.IsConditionalJump())
            {
                if (Branch(at, operation, parent) is not { } next) return parent;
                at = next;
            }
            else if (op == BpfOp.MayGoto)
            {
                at = MayGoto(at, operation, parent);
            }
            else if (op == BpfOp.CallLocal)
            {
                at = CallLocal(at, operation);
            }
            else if (_callsBack[at])
            {
                at = CallBack(at, operation, parent);
            }
            else
            {
                Step(at, operation);
                at = _code.Next(at);
            }
        }
    }

    private BpfRefusedException RefuseAsTooComplex(int at) => _code.Refuse(
        at,
        $"the program is too complex: all paths together have more than {_input.VisitedMax} instructions; "
        + "bound its loops by smaller numbers, or raise BpfProgramOptions.VerificationBudget");

    private void Step(int at, BpfOperation operation)
    {
        BpfOp op = operation.Op;
        if (op == BpfOp.CallHelper) CallHelper(at, (int)operation.Number);
        else if (op == BpfOp.CallRegister) CallRegister(at, operation.Source);
        else if (op.IsArithmetic()) Arithmetic(at, operation);
        else if (op.IsCast()) Cast(at, operation);
        else if (op.IsConstant()) Constant(at, operation);
        else if (IsInArena(at, operation)) AccessArena(at, operation);
        else if (op.IsLoad()) Load(at, operation);
        else if (op.IsStore()) Store(at, operation);
        else Atomic(at, operation);
    }

    // The latest states first: paths are followed to their end before the way they left behind is taken, so it is there
    // that such a way comes by. A loop that changes nothing is found by the states of its last rounds.
    private bool IsProven(int at, Checkpoint? parent)
    {
        if (_seen[at] is not { } states) return false;
        int open = 0;
        for (int index = states.Count - 1; index >= 0; index--)
        {
            Checkpoint state = states[index];
            bool isProven = state.OpenPaths == 0;
            Checkpoint? below = isProven ? OpenBelow(state) : null;
            if (below is not null && !IsInCallOf(below)) continue;
            if (!isProven && ++open > OpenMax) continue;
            if (!_path.IsCoveredBy(state.State!, isProven ? state.Marks : null, _liveness, at, _ids))
            {
                if (isProven && ++state.Misses > MissesMax) Forget(states, index);
                continue;
            }

            if (isProven)
            {
                state.Misses = 0;
                Inherit(state.Marks);
                if (below is not null) DependOn(below, parent);
                return true;
            }

            if (IsEndOfRound(at, state))
            {
                EndAt(state, parent);
                return true;
            }

            if (!IsInRoundOf(state.State!)) continue;

            if (!state.State!.IsCoveredBy(_path, marks: null, _liveness, at, _ids)) continue;
            throw _code.Refuse(at, "the loop that begins here may not end: nothing changes from one round to the next");
        }

        return false;
    }

    private Checkpoint? Remember(int at, Checkpoint? parent)
    {
        List<Checkpoint> states = _seen[at] ??= [];
        bool isNew = states.Count < StatesFew || _path.StepsSinceRemembered >= StepsFew || _callsBack[at]
            || _code.Operations[at].Op == BpfOp.MayGoto;
        if (!isNew) return parent;
        PathState copy = _path.Copy();
        Forget(copy, _liveness.LiveAt(at));
        Checkpoint state = NewCheckpoint(at, parent, copy);
        bool isFull = states.Count == StatesMax || _states >= StatesOfAllMax;
        if (isFull && states.Count > 0) Forget(states, 0);
        states.Add(state);
        _states++;
        _path.StepsSinceRemembered = 0;
        return state;
    }

    // In the trace, where walks back come by.
    private Checkpoint NewCheckpoint(int at, Checkpoint? parent, PathState? state)
    {
        var checkpoint = new Checkpoint(_path, parent) { State = state, Number = _checkpoints.Count, At = at };
        _path.Step = _trace.Add(_path.Step, -1 - checkpoint.Number);
        _checkpoints.Add(checkpoint);
        Charge((state?.ScratchBytes ?? 0) + CheckpointBytes + MarksBytes);
        return checkpoint;
    }

    private void Charge(long scratchBytes)
    {
        Debug.Assert(scratchBytes >= 0 && _scratchBytes >= 0, "No more is given back than was taken.");
        _scratchBytes += scratchBytes;
        long bytes = _scratchBytes + _trace.ScratchBytes + (_learners.Count * MarksBytes);
        _scratchBytesMax = long.Max(_scratchBytesMax, bytes);
        while (bytes > _chargedBytes && _input.Scratch is { } scratch)
        {
            scratch.Grow(ScratchStepBytes);
            _chargedBytes += ScratchStepBytes;
        }
    }

    // Its marks stay: paths go on from it.
    private void Forget(List<Checkpoint> states, int index)
    {
        _scratchBytes -= states[index].State!.ScratchBytes;
        states[index].State = null;
        states.RemoveAt(index);
        _states--;
    }

    // What makes no difference to those that compare themselves with this state: registers that are not read any more,
    // and that a number was once the same as one that is gone.
    private void Forget(PathState state, int live)
    {
        for (int register = 0; register < 10; register++)
        {
            if ((live & (1 << register)) == 0) state.Top[register] = RegisterState.Unwritten;
        }

        _idCounts.Clear();
        state.ForEachRegister(each =>
        {
            if (each is { IsNumber: true, Id: not 0 })
            {
                _idCounts[each.Id] = _idCounts.GetValueOrDefault(each.Id) + 1;
            }

            return each;
        });
        state.ForEachRegister(each =>
            each is { IsNumber: true, Id: not 0 } && _idCounts[each.Id] == 1 ? each with { Id = 0 } : each);
    }

    private void Push(PathState state, int at, Checkpoint? parent)
    {
        if (_open.Count == PathsLeftMax)
        {
            throw _code.Refuse(
                at,
                $"the program is too complex: more than {PathsLeftMax} ways were left for later, from jumps of which "
                + "both ways are possible");
        }

        Charge(state.ScratchBytes);
        if (parent is not null) parent.OpenPaths++;
        Debug.Assert(state != _path, "A way that is left for later does not change.");
        _open.Push((state, at, parent));
    }

    private static void Close(Checkpoint? state)
    {
        Debug.Assert(state is not { OpenPaths: <= 0 }, "A path ends once.");
        while (state is not null && --state.OpenPaths == 0) state = state.Parent;
    }

    private ref RegisterState Written(int at, int register)
    {
        ref RegisterState state = ref _path.Top[register];
        if (state.Kind != RegisterKind.Unwritten) return ref state;
        throw _code.Refuse(at, "is read, and nothing was written to it on this path", register);
    }

    // The second operand.
    private RegisterState Second(int at, BpfOperation operation) =>
        operation.HasNumber ? RegisterState.Constant((ulong)operation.Number) : Written(at, operation.Source);

    private sealed class Checkpoint(PathState path, Checkpoint? parent)
    {
        /// <summary>Null once it was forgotten, and where there are marks only.</summary>
        public PathState? State { get; set; }

        public Checkpoint? Parent { get; } = parent;

        public int Number { get; init; }

        public int At { get; init; }

        /// <summary>The function that was running: from 0 for the program itself.</summary>
        public int Depth { get; } = path.Frames.Count - 1;

        /// <summary>Which call of a helper that calls back that function is in.</summary>
        public int Activation { get; } = path.Top.Activation;

        /// <summary>The innermost open state that a path from here has ended at.</summary>
        public Checkpoint? DependsOn { get; set; }

        /// <summary>The numbers that matter for what follows; all of them once no path is open.</summary>
        public PrecisionMarks Marks { get; } = new();

        /// <summary>The marks before a path has ended at an open state, for which all numbers matter.</summary>
        public PrecisionMarks RealMarks => _realMarks ?? Marks;

        private PrecisionMarks? _realMarks;

        /// <returns>False when they are kept already.</returns>
        public bool TryKeepRealMarks()
        {
            if (_realMarks is not null) return false;
            _realMarks = new PrecisionMarks();
            _realMarks.Add(Marks);
            return true;
        }

        /// <summary>The path that goes on from here, and those that have left it and are not at their end.</summary>
        public int OpenPaths { get; set; } = 1;

        /// <summary>Paths that have come by and knew less, since one did not.</summary>
        public int Misses { get; set; }
    }
}
