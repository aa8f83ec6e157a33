namespace Allot.Bpf;

/// <summary>How a program is loaded and run.</summary>
public sealed class BpfProgramOptions
{
    /// <summary>What the program is called in messages.</summary>
    public string Name { get; set; } = "program";

    /// <summary>How much is proven before the program is accepted. Whatever it is, every access to memory is checked
    /// when it happens, and every run has a budget.</summary>
    public BpfVerification Verification { get; set; } = BpfVerification.Full;

    /// <summary>What executes the program.</summary>
    public BpfEngine Engine { get; set; } = BpfEngine.Automatic;

    /// <summary>The most instructions of one run, roughly: a function counts as if all of it were executed, and so does
    /// every round of a loop.</summary>
    public long InstructionBudget { get; set; } = 16 << 20;
}
