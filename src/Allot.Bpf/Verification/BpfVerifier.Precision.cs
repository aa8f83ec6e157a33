// Which numbers matter. A path ends at an instruction where another one has been that knew no more; but most of what a
// path knows of its numbers has no influence on what follows. A number matters where it becomes a part of an address,
// is a size, or decides which way a jump goes; and then those matter that it was computed from, back to where they came
// from. All others are as good as unknown when paths are compared.
//
// So nothing is marked while a path is followed. When a number turns out to matter, the steps of the path are walked
// backwards, and each remembered state on the way is told. A state whose paths all have ended has all its marks. A path
// that ends there inherits them: what mattered there matters for what this path has come from. A walk ends where all
// that it looks for was told before; so on a long way without jumps there are marks without a state now and then.
//
// The idea, and which instruction hands what on, are those of the verifier of Linux (mark_chain_precision). What
// differs: steps are shared by the paths that part later, and stacks are tracked by the exact place of every access.

using System.Diagnostics;

namespace Allot.Bpf;

/// <content>Which numbers matter.</content>
internal sealed partial class BpfVerifier
{
    private const int StepsMarked = 128;   // from one place with marks to the next

    private readonly PathTrace _trace = new();
    private readonly List<Checkpoint> _checkpoints = [];
    private readonly List<PrecisionMarks> _learners = [];
    private readonly PrecisionMarks _needed = new();
    private bool _marksAll;

    /// <summary>The number in a register of the function matters, before the present instruction.</summary>
    private void Need(int register)
    {
        RegisterState state = _path.Top[register];
        if (!state.IsNumber) return;
        _needed.Clear();
        int frame = _path.Frames.Count - 1;
        _needed.Registers(frame) = (ushort)(1 << register);
        WalkBack(_trace[_path.Step].Previous, frame);
    }

    // Both operands decide which way the jump goes.
    private void NeedOperands(BpfOperation operation)
    {
        Need(operation.Destination);
        if (!operation.HasNumber) Need(operation.Source);
    }

    // What matters at a remembered state matters for the path that ends there.
    private void Inherit(PrecisionMarks marks)
    {
        if (marks.IsEmpty) return;
        _needed.Clear();
        _needed.Add(marks);
        WalkBack(_path.Step, _path.Frames.Count - 1);
    }

    // Where a walk back ends that looks for nothing else than one before.
    private void MarkHere(int at, Checkpoint? parent) => NewCheckpoint(at, parent, state: null);

    private void WalkBack(int step, int frame)
    {
        while (step != PathTrace.None && !_needed.IsEmpty)
        {
            PathTrace.Step one = _trace[step];
            _stepsBack++;
            if (one.Instruction < 0)
            {
                Checkpoint state = _checkpoints[-1 - one.Instruction];
                if (_marksAll && state.TryKeepRealMarks()) Charge(MarksBytes);
                _needed.MoveNewTo(state.Marks);
            }
            else
            {
                frame = StepBack(one, frame);
            }

            Debug.Assert(one.Previous < step, "Steps lead back.");
            Debug.Assert(frame is >= 0 and < BpfExecution.FramesMax, "A step is in a function.");
            step = one.Previous;
        }

        Debug.Assert(step != PathTrace.None || frame == 0, "A path begins in the program itself.");
    }

    // What matters before an instruction, from what matters after it. Returns the function it is in.
    private int StepBack(PathTrace.Step step, int frame)
    {
        const int Clobbered = 0x3f, Arguments = 0x3e;
        BpfOperation operation = _code.Operations[step.Instruction];
        BpfOp op = operation.Op;
        if (op == BpfOp.CallLocal)
        {
            int arguments = _needed.Registers(frame) & Arguments;
            _needed.Registers(frame) = 0;
            _needed.Slots(frame) = 0;
            frame--;
            _needed.Registers(frame) = (ushort)((_needed.Registers(frame) & ~Clobbered) | arguments);
            return frame;
        }

        if (op == BpfOp.CallHelper && step.Extra != 0)
        {
            // Into the function that the helper calls. The helper has its arguments again when it calls once more.
            bool isArgument = (_needed.Registers(frame) & Arguments) != 0;
            _needed.Registers(frame) = 0;
            _needed.Slots(frame) = 0;
            frame--;
            if (isArgument) _needed.Registers(frame) |= Arguments;
            return frame;
        }

        if (op == BpfOp.Exit && step.Extra != 0)
        {
            _needed.Registers(frame + 1) = 0;   // what it returns was looked at there
            return frame + 1;
        }

        if (op == BpfOp.Exit)
        {
            int result = _needed.Registers(frame) & 1;
            _needed.Registers(frame) &= unchecked((ushort)~Clobbered);
            _needed.Registers(frame + 1) = (ushort)result;
            return frame + 1;
        }

        ref ushort registers = ref _needed.Registers(frame);
        int target = 1 << operation.Destination;
        int source = operation.HasNumber ? 0 : 1 << operation.Source;
        if (op is BpfOp.CallHelper or BpfOp.CallRegister)
        {
            registers &= unchecked((ushort)~Clobbered);
        }
        else if (op.IsConditionalJump())
        {
            bool learns = step.Extra != 0 && _needed.Intersects(_learners[step.Extra - 1]);
            if (learns || (registers & (target | source)) != 0) registers |= (ushort)(target | source);
        }
        else if (op.IsStore())
        {
            StoreBack(step, operation, ref registers, source);
        }
        else if (op.IsAtomic())
        {
            if (op.IsFetch()) registers &= (ushort)~(op.As64() == BpfOp.CompareExchange64 ? 1 : source);
        }
        else if ((registers & target) == 0 || op is BpfOp.Ja or BpfOp.MayGoto)
        {
            return frame;
        }
        else if (op.IsLoad())
        {
            registers &= (ushort)~target;
            if (step.Extra != 0) MarkSlots(step.Extra - 1, op.AccessBytes());
        }
        else if (op.IsConstant() || op.IsCast())
        {
            registers &= (ushort)~target;
        }
        else
        {
            bool isMove = op.As64() == BpfOp.Mov64 || op is >= BpfOp.MovSx8To64 and <= BpfOp.MovSx32To64;
            bool isUnary = op.As64() == BpfOp.Neg64 || op is >= BpfOp.Le16 and <= BpfOp.Swap64;
            if (isMove) registers &= (ushort)~target;
            if (!isUnary) registers |= (ushort)source;
        }

        return frame;
    }

    private void StoreBack(PathTrace.Step step, BpfOperation operation, ref ushort registers, int source)
    {
        if (step.Extra == 0) return;
        int bytes = operation.Op.AccessBytes();
        (int frame, ulong slots) = SlotsAt(step.Extra - 1, bytes);
        if ((_needed.Slots(frame) & slots) == 0) return;
        bool isWhole = bytes == 8 && (step.Extra - 1) % 8 == 0;
        if (isWhole) _needed.Slots(frame) &= ~slots;
        registers |= (ushort)source;
    }

    private void MarkSlots(int place, int bytes)
    {
        (int frame, ulong slots) = SlotsAt(place, bytes);
        _needed.Slots(frame) |= slots;
    }

    private static (int Frame, ulong Slots) SlotsAt(int place, int bytes)
    {
        (int frame, int offset) = Math.DivRem(place, BpfExecution.FrameBytes);
        return (frame, (1ul << (offset / 8)) | (1ul << ((offset + bytes - 1) / 8)));
    }

    // The present instruction loads from, or stores to, exactly there.
    private void NotePlace(in RegisterState address, int offset) =>
        _trace[_path.Step].Extra = PathTrace.PlaceOf(address.Of, offset);

    // Who else learns from a comparison: all that hold the same number.
    private void NoteLearners(BpfOperation operation)
    {
        RegisterState first = _path.Top[operation.Destination];
        RegisterState second = operation.HasNumber ? default : _path.Top[operation.Source];
        int own = 1 << operation.Destination | (operation.HasNumber ? 0 : 1 << operation.Source);
        PrecisionMarks? learners = null;
        Note(first);
        Note(second);
        if (learners is null) return;
        _learners.Add(learners);
        _trace[_path.Step].Extra = _learners.Count;

        void Note(in RegisterState compared)
        {
            if (compared is not { IsNumber: true, Id: not 0 }) return;
            for (int frame = 0; frame < _path.Frames.Count; frame++)
            {
                bool isTop = frame == _path.Frames.Count - 1;
                int registers = _path.Frames[frame].RegistersWith(compared.Id) & ~(isTop ? own : 0);
                ulong slots = _path.Frames[frame].Stack.SlotsWith(compared.Id);
                if (registers == 0 && slots == 0) continue;
                learners ??= new PrecisionMarks();
                learners.Registers(frame) |= (ushort)registers;
                learners.Slots(frame) |= slots;
            }
        }
    }
}
