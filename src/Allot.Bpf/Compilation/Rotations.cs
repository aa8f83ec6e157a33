// BPF cannot rotate. A compiler writes two shifts and an or, with copies and whatever else in between, from which the
// runtime makes no rotation. Here they are found: within a block each value that a register gets has a number, a copy
// keeps the number, and an or of the two shifts of one value is a rotation of that value. The value is kept when it is
// shifted the first time; the shifts themselves are compiled all the same, and left out by the runtime when nobody
// needs them.

namespace Allot.Bpf;

/// <summary>An operation that is a rotation.</summary>
/// <param name="KeptAt">The shift before which the value is in its register.</param>
/// <param name="Left">By how much the value is rotated.</param>
/// <param name="Is32">Whether it is its low half that is rotated, and the rest is 0.</param>
internal readonly record struct Rotation(int KeptAt, int Left, bool Is32);

/// <summary>Finds the rotations of a function.</summary>
internal sealed class Rotations
{
    private const int Registers = 10;

    private readonly BpfOperation[] _operations;
    private readonly Dictionary<int, Rotation> _found = [];
    private readonly int[] _values = new int[Registers];      // the number of what each register holds
    private readonly int[] _lows = new int[Registers];        // and of its low half
    private readonly Dictionary<int, Shifted> _shifts = [];   // by the number of the result
    private int _last;

    private Rotations(BpfOperation[] operations) => _operations = operations;

    /// <summary>The rotations by the index of the operation that completes them.</summary>
    /// <param name="code">The program.</param>
    /// <param name="operations">Its operations.</param>
    /// <param name="function">The function.</param>
    /// <param name="isTarget">Whether a jump goes to an instruction.</param>
    public static Dictionary<int, Rotation> Find(
        BpfCode code, BpfOperation[] operations, int function, Func<int, bool> isTarget)
    {
        var rotations = new Rotations(operations);
        rotations.Begin();
        for (int at = code.Functions[function]; at < code.EndOf(function); at = code.Next(at))
        {
            if (isTarget(at)) rotations.Begin();
            rotations.One(at);
        }

        return rotations._found;
    }

    private void Begin()
    {
        _shifts.Clear();
        for (int register = 0; register < Registers; register++) Set(register);
    }

    private void One(int at)
    {
        BpfOperation operation = _operations[at];
        BpfOp op = operation.Op;
        int to = operation.Destination;
        if (op.As64() == BpfOp.Mov64 && !operation.HasNumber && operation.Source < Registers)
        {
            _lows[to] = _lows[operation.Source];
            _values[to] = op.Is32() ? ++_last : _values[operation.Source];
        }
        else if (op.As64() is BpfOp.Lsh64 or BpfOp.Rsh64 && operation.HasNumber)
        {
            Shift(at, operation);
        }
        else if (op.IsArithmetic() || op.IsLoad() || op.IsConstant())
        {
            if (op.As64() == BpfOp.Or64 && !operation.HasNumber) Or(at, operation);
            Set(to);
        }
        else if (!op.IsStore())
        {
            Begin();
        }
    }

    private void Set(int register) => _values[register] = _lows[register] = ++_last;

    private void Shift(int at, BpfOperation operation)
    {
        bool is32 = operation.Op.Is32();
        int register = operation.Destination;
        int bits = is32 ? 32 : 64;
        int count = (int)operation.Number & (bits - 1);
        int left = operation.Op.As64() == BpfOp.Lsh64 ? count : bits - count;
        var shifted = new Shifted(is32 ? _lows[register] : _values[register], at, left, left == count, is32);
        Set(register);
        if (count != 0) _shifts[_values[register]] = shifted;
    }

    private void Or(int at, BpfOperation operation)
    {
        if (operation.Source >= Registers) return;
        bool areShifts = _shifts.TryGetValue(_values[operation.Destination], out Shifted one)
            & _shifts.TryGetValue(_values[operation.Source], out Shifted other);
        bool isRotation = areShifts && one.Of == other.Of && one.Is32 == other.Is32 && one.Left == other.Left
            && one.IsLeft != other.IsLeft && (one.Is32 || !operation.Op.Is32());
        if (isRotation) _found[at] = new Rotation(int.Min(one.At, other.At), one.Left, one.Is32);
    }

    // Of: the number of the value. Left: by how much a rotation would go to the left that this shift is a half of.
    private readonly record struct Shifted(int Of, int At, int Left, bool IsLeft, bool Is32);
}
