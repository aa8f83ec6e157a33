namespace Allot.Bpf;

/// <summary>One instruction, decoded: what an engine executes. The second operand is always register plus number: an
/// immediate is added to the register that is always zero, and a register to the number zero.</summary>
internal readonly struct BpfOperation(BpfOp op, byte destination, byte source, int offset, long number)
{
    /// <summary>The register beyond those of programs, which holds 0.</summary>
    public const byte Zero = 11;

    /// <summary>Of a call of a helper: its number stands in <see cref="Number"/>, or in a register that is the
    /// <see cref="Source"/>. Of others: what is done.</summary>
    public readonly BpfOp Op = op;

    /// <summary>The register that is changed, compared, or holds the address of a store.</summary>
    public readonly byte Destination = destination;

    /// <summary>The register of the second operand, or <see cref="Zero"/>.</summary>
    public readonly byte Source = source;

    /// <summary>Of a jump or a local call: the index of the instruction it goes to. Of an access: bytes from the
    /// address.</summary>
    public readonly int Offset = offset;

    /// <summary>The immediate, sign-extended, or the whole 64-bit constant; 0 when the second operand is a register.
    /// </summary>
    public readonly long Number = number;

    public bool HasNumber => Source == Zero;
}
