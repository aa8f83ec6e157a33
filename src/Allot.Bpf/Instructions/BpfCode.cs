namespace Allot.Bpf;

/// <summary>A program whose every instruction is one that exists, whose jumps all have a target inside of their
/// function, and whose functions all end. What registers and memory hold is not looked at here.</summary>
internal sealed class BpfCode
{
    /// <summary>The stack of a function, below r10.</summary>
    public const int FrameBytes = 512;

    private readonly int[] _functionOf;

    internal BpfCode(BpfInstruction[] instructions, BpfOperation[] operations, int[] functions)
    {
        Instructions = instructions;
        Operations = operations;
        Functions = functions;
        _functionOf = new int[operations.Length];
        for (int function = 0; function < functions.Length; function++)
        {
            _functionOf.AsSpan(functions[function]..EndOf(function)).Fill(function);
        }
    }

    public BpfInstruction[] Instructions { get; }

    /// <summary>As many as instructions: the second half of a constant is <see cref="BpfOp.None"/>.</summary>
    public BpfOperation[] Operations { get; }

    /// <summary>Where functions begin, in order; the first is the program itself and begins at 0.</summary>
    public int[] Functions { get; }

    /// <summary>Which function an instruction belongs to.</summary>
    public int FunctionOf(int instruction) => _functionOf[instruction];

    /// <summary>The index after the last instruction of a function.</summary>
    public int EndOf(int function) =>
        function + 1 < Functions.Length ? Functions[function + 1] : Operations.Length;

    public int LengthOf(int function) => EndOf(function) - Functions[function];

    /// <summary>The instruction after this one when it does not jump.</summary>
    public int Next(int instruction) => instruction + (Operations[instruction].Op.IsConstant() ? 2 : 1);

    public BpfRefusedException Refuse(int instruction, string reason, int? register = null) => new(new BpfRefusal
    {
        Instruction = instruction,
        Text = BpfDisassembler.LineOf(Instructions, instruction),
        Register = register,
        Reason = reason,
    });
}
