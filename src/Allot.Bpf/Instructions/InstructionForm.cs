// The instruction set as a table. What a form does not use must have one value, nearly always 0: a field that programs
// may fill with anything today cannot be given a meaning tomorrow.

namespace Allot.Bpf;

/// <summary>The fields of an instruction that a form lets programs choose.</summary>
[Flags]
internal enum Fields : byte
{
    None = 0,
    Destination = 1,
    Source = 2,
    Offset = 4,
    Immediate = 8,
}

/// <summary>One way to write an instruction: its opcode, what it does, the fields that are free, and the values of the
/// others.</summary>
internal readonly record struct InstructionForm(byte Opcode, BpfOp Op, Fields Free)
{
    public byte Source { get; init; }

    public short Offset { get; init; }

    public int Immediate { get; init; }

    /// <summary>The forms of an opcode, of which an instruction has at most one; none if the opcode does not exist.
    /// </summary>
    public static ReadOnlySpan<InstructionForm> Of(byte opcode) => s_forms[opcode];

    /// <summary>All of the instruction set.</summary>
    public static IEnumerable<InstructionForm> All => s_forms.SelectMany(forms => forms);

    /// <summary>The first field whose value is not that of this form, and the value it must have.</summary>
    public (string Field, int Value)? MismatchOf(BpfInstruction instruction)
    {
        if ((Free & Fields.Destination) == 0 && instruction.Destination != 0) return ("destination", 0);
        if ((Free & Fields.Source) == 0 && instruction.Source != Source) return ("source", Source);
        if ((Free & Fields.Offset) == 0 && instruction.Offset != Offset) return ("offset", Offset);
        if ((Free & Fields.Immediate) == 0 && instruction.Immediate != Immediate) return ("immediate", Immediate);
        return null;
    }

    private static readonly InstructionForm[][] s_forms = MakeAll();

    private static InstructionForm[][] MakeAll()
    {
        ILookup<byte, InstructionForm> forms = InstructionForms.All().ToLookup(form => form.Opcode);
        return [.. Enumerable.Range(0, 256).Select(opcode => forms[(byte)opcode].ToArray())];
    }
}
