using System.Globalization;

namespace Allot.Bpf;

/// <summary>Why and where a run ended before its exit.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Instruction">The index of the instruction, in the program that ran last.</param>
/// <param name="Address">Of a load or store, the address; of a call of a helper that there is not, its number;
/// otherwise 0.</param>
/// <param name="Bytes">Of a load or store, its size; otherwise 0.</param>
public readonly record struct BpfFault(BpfFaultKind Kind, int Instruction, ulong Address, int Bytes)
{
    /// <summary>The fault in one sentence.</summary>
    /// <returns>Such as <c>instruction 3: 4 bytes at 0x10 are outside of the memory of the program</c>.</returns>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"instruction {Instruction}: {Reason}");

    private string Reason => Kind switch
    {
        BpfFaultKind.OutOfBudget => "the run has used up its instructions: raise BpfProgramOptions.InstructionBudget",
        BpfFaultKind.OutOfBounds => $"{Bytes} bytes at 0x{Address:x} are outside of the memory of the program",
        BpfFaultKind.Misaligned => $"the address 0x{Address:x} of an atomic operation is no multiple of {Bytes}",
        BpfFaultKind.CallTooDeep => $"more than {BpfExecution.FramesMax} functions have called each other",
        BpfFaultKind.BadArgument => "a helper was given what is not a map or memory of the program",
        BpfFaultKind.HelperFailed => "a helper of the host has failed",
        BpfFaultKind.NoSuchHelper => $"there is no helper {(long)Address}",
        _ => "no fault",
    };
}
