// Assembles classic BPF from the last instruction to the first. All jumps of classic BPF go forward, so when a jump is
// written its target already has its place, and the distance is known: no second pass, no fix-ups. A place is counted
// from the end (0 is the last instruction of the program) and therefore never changes.
//
// Conditional jumps reach 255 instructions. A target that is farther gets a stepping stone next to the jump: a copy of
// the target when it is a return, else an unconditional jump, which reaches everywhere.

using System.Diagnostics;

namespace Allot.Processes.Seccomp;

/// <summary>A classic BPF program under construction, last instruction first.</summary>
internal sealed class BpfAssembler
{
    private const int MaxDistance = byte.MaxValue;

    private readonly List<BpfInstruction> _fromTheEnd = [];

    /// <summary>Ends the program with a value.</summary>
    public int Return(uint value) => Add(new(BpfInstruction.Return, 0, 0, value));

    /// <summary>A conditional jump to two places. Returns its own place.</summary>
    public int Branch(ushort code, uint operand, int whenTrue, int whenFalse)
    {
        whenFalse = Near(whenFalse);
        whenTrue = Near(whenTrue);
        return Add(new(code, (byte)Distance(whenTrue), (byte)Distance(whenFalse), operand));
    }

    /// <summary>
    /// An instruction that is not a jump, in front of <paramref name="next"/>. Returns its own place.
    /// </summary>
    public int Before(int next, ushort code, uint operand)
    {
        if (Distance(next) != 0) Add(Stone(next));
        return Add(new(code, 0, 0, operand));
    }

    /// <summary>The finished program, which starts at <paramref name="entry"/>.</summary>
    /// <exception cref="InvalidOperationException">The program is longer than the kernel accepts.</exception>
    public BpfInstruction[] ToProgram(int entry)
    {
        if (Distance(entry) != 0) Add(Stone(entry));
        if (_fromTheEnd.Count > BpfInstruction.MaxCount)
        {
            throw new InvalidOperationException(
                $"The filter has {_fromTheEnd.Count} instructions; the kernel accepts {BpfInstruction.MaxCount}. " +
                "Intercept fewer calls, or test fewer values of their arguments.");
        }
        BpfInstruction[] program = [.. _fromTheEnd];
        Array.Reverse(program);
        return program;
    }

    // The second stone may push the first target one farther, hence the margin of one.
    private int Near(int target) => Distance(target) < MaxDistance ? target : Add(Stone(target));

    private BpfInstruction Stone(int target)
    {
        BpfInstruction there = _fromTheEnd[target];
        return there.Code == BpfInstruction.Return
            ? there
            : new(BpfInstruction.Jump, 0, 0, (uint)Distance(target));
    }

    // Instructions to skip when the next one added jumps to the place.
    private int Distance(int place)
    {
        Debug.Assert((uint)place < (uint)_fromTheEnd.Count, "A jump goes to a place that is taken already.");
        return _fromTheEnd.Count - 1 - place;
    }

    private int Add(BpfInstruction instruction)
    {
        _fromTheEnd.Add(instruction);
        return _fromTheEnd.Count - 1;
    }
}
