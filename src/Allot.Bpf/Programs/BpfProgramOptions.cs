using Allot.Maps;

namespace Allot.Bpf;

/// <summary>How a program is loaded and run.</summary>
public sealed class BpfProgramOptions
{
    /// <summary>What the program is called in messages.</summary>
    public string Name { get; set; } = "program";

    /// <summary>How much is proven before the program is accepted. Whatever it is, every access to memory is checked
    /// when it happens, and every run has a budget.</summary>
    public BpfVerification Verification { get; set; } = BpfVerification.Full;

    /// <summary>The maps that the program refers to by their index. They stay the host's, who disposes them.</summary>
    public IReadOnlyList<GroupMap> Maps { get; set; } = [];

    /// <summary>Helpers of the host, in addition to <see cref="BpfHelpers.Standard"/>, or in place of those with the
    /// same number.</summary>
    /// <exception cref="ArgumentException">A helper has arguments that do not go together, or with its
    /// result.</exception>
    public IReadOnlyList<BpfHelper> Helpers
    {
        get;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            foreach (BpfHelper helper in value) helper.Check(nameof(value));
            field = value;
        }
    } = [];

    /// <summary>The bytes that the memory of every run has at least. A program that is to read its memory must find out
    /// that there is more, by a comparison of its length.</summary>
    public int MemoryBytesMin { get; set; }

    /// <summary>Where the lines go that the program prints; null if nowhere. Called on the thread of the run.</summary>
    public Action<string>? Trace { get; set; }

    /// <summary>The most instructions that the verifier looks at, on all paths, as in Linux. It needs about a
    /// microsecond for each, and some kilobytes, which are charged, for those that it remembers.</summary>
    public int VerificationBudget { get; set; } = 1_000_000;

    /// <summary>Whether runs are counted and timed, for each processor: see <see cref="BpfProgram.Statistics"/>. It
    /// costs a run two readings of the clock and two atomic additions, and the group 64 bytes for each processor.
    /// Default: false.</summary>
    public bool KeepsStatistics { get; set; }

    /// <summary>What executes the program.</summary>
    public BpfEngine Engine { get; set; } = BpfEngine.Automatic;

    /// <summary>The most instructions of one run, roughly: a function counts as if all of it were executed, and so does
    /// every round of a loop.</summary>
    public long InstructionBudget { get; set; } = 16 << 20;
}
