namespace Allot.Bpf.Tests.Support;

/// <summary>Writes programs as a list of instructions, with labels.</summary>
internal sealed class Asm
{
    private readonly List<BpfInstruction> _instructions = [];
    private readonly Dictionary<string, int> _labels = [];
    private readonly List<(int At, string Label)> _jumps = [];

    public int Count => _instructions.Count;

    public Asm Raw(byte opcode, int destination = 0, int source = 0, int offset = 0, int immediate = 0)
    {
        _instructions.Add(new BpfInstruction(opcode, (byte)destination, (byte)source, (short)offset, immediate));
        return this;
    }

    public Asm Label(string name)
    {
        _labels.Add(name, Count);
        return this;
    }

    /// <summary>An operation of the table by its name, such as <c>add64</c>, with a register as its operand.</summary>
    public Asm Register(BpfOp op, int destination, int source, int offset = 0)
    {
        InstructionForm form = FormOf(op, Fields.Source);
        bool choosesOffset = (form.Free & Fields.Offset) != 0;
        return Raw(form.Opcode, destination, source, choosesOffset ? offset : form.Offset, form.Immediate);
    }

    public Asm Number(BpfOp op, int destination, int immediate, int offset = 0)
    {
        InstructionForm form = FormOf(op, Fields.Immediate);
        bool choosesOffset = (form.Free & Fields.Offset) != 0;
        return Raw(form.Opcode, destination, form.Source, choosesOffset ? offset : form.Offset, immediate);
    }

    public Asm One(BpfOp op, int destination)
    {
        InstructionForm form = FormOf(op, Fields.None);
        return Raw(form.Opcode, destination, form.Source, form.Offset, form.Immediate);
    }

    public Asm Constant(int destination, ulong value) =>
        Raw(0x18, destination, immediate: (int)value).Raw(0, immediate: (int)(value >> 32));

    public Asm Map(int destination, int map) => Raw(0x18, destination, source: 1, immediate: map).Raw(0);

    public Asm MapValue(int destination, int map, int offset) =>
        Raw(0x18, destination, source: 2, immediate: map).Raw(0, immediate: offset);

    public Asm Move(int destination, int immediate) => Number(BpfOp.Mov64, destination, immediate);

    /// <summary>From the address of the host to that of programs.</summary>
    public Asm CastToArena(int destination, int source) => Raw(0xbf, destination, source, offset: 1, immediate: 1);

    public Asm CastFromArena(int destination, int source) =>
        Raw(0xbf, destination, source, offset: 1, immediate: 1 << 16);

    public Asm Copy(int destination, int source) => Register(BpfOp.Mov64, destination, source);

    public Asm Jump(string label)
    {
        _jumps.Add((Count, label));
        return Raw(0x05);
    }

    public Asm MayGoto(string label)
    {
        _jumps.Add((Count, label));
        return Raw(0xe5);
    }

    public Asm If(BpfOp op, int destination, int immediate, string label)
    {
        _jumps.Add((Count, label));
        return Number(op, destination, immediate);
    }

    public Asm IfRegister(BpfOp op, int destination, int source, string label)
    {
        _jumps.Add((Count, label));
        return Register(op, destination, source);
    }

    public Asm CallLocal(string label)
    {
        _jumps.Add((Count, label));
        return Raw(0x85, source: 1);
    }

    /// <summary>The function that begins at a label, to be called by a helper.</summary>
    public Asm Function(int destination, string label)
    {
        _jumps.Add((Count, label));
        return Raw(0x18, destination, source: 4).Raw(0);
    }

    public Asm Call(int helper) => Raw(0x85, immediate: helper);

    public Asm Exit() => Raw(0x95);

    public byte[] Bytes()
    {
        foreach ((int at, string label) in _jumps)
        {
            int distance = _labels[label] - at - 1;
            _instructions[at] = _instructions[at].Opcode is 0x85 or 0x18
                ? _instructions[at] with { Immediate = distance }
                : _instructions[at] with { Offset = (short)distance };
        }

        byte[] bytes = new byte[8 * Count];
        for (int index = 0; index < Count; index++) _instructions[index].Write(bytes.AsSpan(8 * index));
        return bytes;
    }

    private static InstructionForm FormOf(BpfOp op, Fields operand)
    {
        const Fields Operands = Fields.Source | Fields.Immediate;
        return InstructionForm.All.First(form => form.Op == op && (form.Free & Operands) == operand);
    }
}
