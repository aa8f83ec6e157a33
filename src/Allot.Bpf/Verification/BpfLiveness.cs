namespace Allot.Bpf;

/// <summary>Which registers are read, at each instruction, before they are written again. What is in the others makes
/// no difference from there on.</summary>
internal sealed class BpfLiveness
{
    private const int AllOfCaller = 0x3ff;
    private const int Arguments = 0x3e;           // r1 to r5
    private const int Clobbered = 0x3f;           // and r0

    private readonly ushort[] _live;

    public BpfLiveness(BpfCode code)
    {
        _live = new ushort[code.Operations.Length];
        bool changes = true;
        while (changes)
        {
            changes = false;
            for (int at = code.Operations.Length - 1; at >= 0; at--)
            {
                if (code.Operations[at].Op == BpfOp.None) continue;
                int live = Before(code, at);
                if (live == _live[at]) continue;
                _live[at] = (ushort)live;
                changes = true;
            }
        }
    }

    /// <summary>A bit for each register.</summary>
    public int LiveAt(int instruction) => instruction < 0 ? AllOfCaller : _live[instruction];

    private int Before(BpfCode code, int at)
    {
        BpfOperation operation = code.Operations[at];
        BpfOp op = operation.Op;
        if (op == BpfOp.Exit) return 1;
        int after = op == BpfOp.Ja ? 0 : _live[code.Next(at)];
        if (op.IsJump()) after |= _live[operation.Offset];
        int target = 1 << operation.Destination;
        int source = operation.HasNumber ? 0 : 1 << operation.Source;
        return op switch
        {
            BpfOp.Ja or BpfOp.MayGoto => after,
            BpfOp.CallHelper or BpfOp.CallLocal => (after & ~Clobbered) | Arguments,
            BpfOp.CallRegister => (after & ~Clobbered) | Arguments | source,
            _ when op.IsConditionalJump() || op.IsStore() => after | target | source,
            _ when op.As64() == BpfOp.CompareExchange64 => after | 1 | target | source,
            _ when op.IsAtomic() => after | target | source,
            _ when op.IsConstant() => after & ~target,
            _ when op.IsLoad() || op.IsCast() || op.As64() == BpfOp.Mov64
                || op is >= BpfOp.MovSx8To64 and <= BpfOp.MovSx32To64 => (after & ~target) | source,
            _ => after | target | source,
        };
    }
}
