// Where in the memory of the run an access is, as far as the code itself tells. The function that a run begins with has
// the address of that memory in r1 and its length in r2. From there on copies, and sums with constants and with one
// other register, are followed through all jumps, and so is what comparisons with the length tell of it.
//
// An access at a place that is known needs no subtraction to be checked, and none at all when the memory is known to be
// long enough. All of this follows from the operations alone: what the verifier has found is used for nothing but to
// know that an access goes on only when its own check has passed.

namespace Allot.Bpf;

/// <summary>Where an access is: so many bytes, and the value of a register, from the beginning of the memory of the
/// run.</summary>
/// <param name="Index">The register, or <see cref="BpfOperation.Zero"/>.</param>
/// <param name="Offset">The bytes.</param>
/// <param name="IsInside">Whether the memory is long enough, without a check.</param>
internal readonly record struct MemoryAccess(byte Index, int Offset, bool IsInside);

/// <summary>Follows the memory of the run through one function.</summary>
internal sealed class MemoryFlow
{
    private const int Registers = 10;
    private const int OffsetMax = 1 << 30;
    private const int PassesMax = 16;   // until nothing changes; what takes longer is not worth it

    private readonly BpfCode _code;
    private readonly BpfOperation[] _operations;
    private readonly AccessPlace[]? _places;
    private readonly Dictionary<int, State?> _targets = [];   // at targets of jumps; null: no way there yet
    private readonly Dictionary<int, MemoryAccess> _found = [];
    private State? _now;
    private bool _changes;

    private MemoryFlow(BpfCode code, BpfOperation[] operations, AccessPlace[]? places)
    {
        _code = code;
        _operations = operations;
        _places = places;
    }

    private enum Kind : byte
    {
        Other,
        Length,
        Memory,   // plus a register and an offset
    }

    /// <summary>The accesses of the first function whose place is known, by the index of the operation.</summary>
    /// <param name="code">The program.</param>
    /// <param name="operations">Its operations.</param>
    /// <param name="places">Where the verifier has found accesses to be; null if it was not asked.</param>
    public static Dictionary<int, MemoryAccess> Find(BpfCode code, BpfOperation[] operations, AccessPlace[]? places)
    {
        var flow = new MemoryFlow(code, operations, places);
        return flow.IsStable() ? flow._found : [];
    }

    private bool IsStable()
    {
        int end = _code.EndOf(0);
        for (int at = 0; at < end; at++)
        {
            if (_operations[at].Op.IsJump()) _targets[_operations[at].Offset] = null;
        }

        for (int pass = 0; pass < PassesMax; pass++)
        {
            _changes = false;
            _found.Clear();
            _now = State.AtBegin();
            for (int at = 0; at < end; at = _code.Next(at)) One(at);
            if (!_changes) return true;
        }

        return false;
    }

    private void One(int at)
    {
        if (_targets.TryGetValue(at, out State? known))
        {
            if (_now is not null) known = Arrive(at, _now);
            _now = known?.Copy();
        }

        if (_now is null) return;   // no way here
        BpfOperation operation = _operations[at];
        BpfOp op = operation.Op;
        if (op is BpfOp.Ja)
        {
            Arrive(operation.Offset, _now);
            _now = null;
        }
        else if (op is BpfOp.MayGoto)
        {
            Arrive(operation.Offset, _now);
        }
        else if (op.IsConditionalJump())
        {
            Branch(_now, operation);
        }
        else if (op is BpfOp.Exit)
        {
            _now = null;
        }
        else if (op.IsLoad() || op.IsStore())
        {
            Access(_now, at, operation);
        }
        else if (op.IsAtomic())
        {
            if (op.IsFetch()) _now.Set(op.As64() == BpfOp.CompareExchange64 ? 0 : operation.Source, default);
        }
        else if (op is BpfOp.CallHelper or BpfOp.CallRegister or BpfOp.CallLocal)
        {
            _now.Set(0, default);
        }
        else if (op is BpfOp.Arena)
        {
            _now.Set(0, default);   // whichever of them it changes
            _now.Set(operation.Destination, default);
            if (!operation.HasNumber) _now.Set(operation.Source, default);
        }
        else
        {
            _now.Set(operation.Destination, ResultOf(_now, operation));
        }
    }

    private static Value ResultOf(State state, BpfOperation operation)
    {
        Value first = state[operation.Destination];
        if (operation.Op == BpfOp.Mov64) return operation.HasNumber ? default : state[operation.Source];
        if (operation.Op != BpfOp.Add64 || first.Kind != Kind.Memory) return default;
        if (operation.HasNumber)
        {
            long offset = first.Offset + operation.Number;
            return offset is > -OffsetMax and < OffsetMax ? first with { Offset = (int)offset } : default;
        }

        bool hasIndex = first.Index != BpfOperation.Zero || operation.Source == operation.Destination;
        return hasIndex ? default : first with { Index = operation.Source };
    }

    private void Access(State state, int at, BpfOperation operation)
    {
        bool isLoad = operation.Op.IsLoad();
        Value place = state[isLoad ? operation.Source : operation.Destination];
        if (place.Kind == Kind.Memory && !operation.Op.IsOrdered())
        {
            int offset = place.Offset + operation.Offset;
            long end = offset + (long)operation.Op.AccessBytes();
            bool isConstant = place.Index == BpfOperation.Zero;
            _found[at] = new MemoryAccess(place.Index, offset, isConstant && offset >= 0 && end <= state.Length);
            bool failsOutside = _places is not null && _places[at].Kind == RegisterKind.Memory;
            if (isConstant && offset >= 0 && failsOutside) state.Length = long.Max(state.Length, end);
        }

        if (isLoad) state.Set(operation.Destination, default);
    }

    private void Branch(State state, BpfOperation operation)
    {
        bool tells = operation.HasNumber && operation.Number >= 0 && state[operation.Destination].Kind == Kind.Length;
        long number = operation.Number;
        (long taken, long notTaken) = !tells ? default : operation.Op.As64() switch
        {
            BpfOp.Jge64 or BpfOp.Jsge64 or BpfOp.Jeq64 => (number, 0),
            BpfOp.Jgt64 or BpfOp.Jsgt64 => (number + 1, 0),
            BpfOp.Jlt64 or BpfOp.Jslt64 or BpfOp.Jne64 => (0, number),
            BpfOp.Jle64 or BpfOp.Jsle64 => (0, number + 1),
            _ => (0L, 0L),
        };
        long before = state.Length;
        state.Length = long.Max(before, taken);
        Arrive(operation.Offset, state);
        state.Length = long.Max(before, notTaken);
    }

    // What is known there is what is known on all ways.
    private State Arrive(int target, State state)
    {
        if (_targets[target] is { } known)
        {
            _changes |= known.KeepOnlyWhatIsIn(state);
            return known;
        }

        _changes = true;
        return _targets[target] = state.Copy();
    }

    private readonly record struct Value(Kind Kind, byte Index, int Offset);

    private sealed class State
    {
        private readonly Value[] _values = new Value[Registers + 1];

        /// <summary>The memory has at least so many bytes.</summary>
        public long Length { get; set; }

        public Value this[int register] => _values[register];

        public static State AtBegin()
        {
            var state = new State();
            state._values[1] = new Value(Kind.Memory, BpfOperation.Zero, 0);
            state._values[2] = new Value(Kind.Length, 0, 0);
            return state;
        }

        public State Copy()
        {
            var copy = new State { Length = Length };
            _values.CopyTo(copy._values, 0);
            return copy;
        }

        public void Set(int register, Value value)
        {
            for (int other = 0; other < Registers; other++)
            {
                if (_values[other].Kind == Kind.Memory && _values[other].Index == register) _values[other] = default;
            }

            // A register that is added to itself, or to a copy of the memory that it replaces, is not there any more.
            _values[register] = value.Kind == Kind.Memory && value.Index == register ? default : value;
        }

        public bool KeepOnlyWhatIsIn(State other)
        {
            bool changes = other.Length < Length;
            Length = long.Min(Length, other.Length);
            for (int register = 0; register < Registers; register++)
            {
                if (_values[register] == default || _values[register] == other._values[register]) continue;
                _values[register] = default;
                changes = true;
            }

            return changes;
        }
    }
}
