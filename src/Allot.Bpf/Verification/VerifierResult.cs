namespace Allot.Bpf;

/// <summary>What the verifier has found out about a program that it has accepted.</summary>
internal sealed class VerifierResult
{
    /// <summary>The instructions that were looked at, on all paths.</summary>
    public required int VisitedInstructions { get; init; }

    /// <summary>The instructions that were looked at once more, backwards, for what decides which numbers matter.
    /// </summary>
    public required long StepsBack { get; init; }

    /// <summary>The most bytes that the verifier has remembered at a time.</summary>
    public required long ScratchBytes { get; init; }

    /// <summary>For each instruction that accesses memory, where that is.</summary>
    public required AccessPlace[] Places { get; init; }

    /// <summary>The instructions that compute addresses in an arena, which have 32 bits whatever the instruction has.
    /// </summary>
    public required bool[] ComputesInArena { get; init; }
}
