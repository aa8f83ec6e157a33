using Allot.Maps;

namespace Allot.Bpf;

/// <summary>What a program is verified against.</summary>
internal sealed class VerifierInput
{
    public required IReadOnlyList<MapDefinition> Maps { get; init; }

    public required IReadOnlyDictionary<int, BpfHelper> Helpers { get; init; }

    /// <summary>The bytes that the memory of every run has at least.</summary>
    public long MemoryBytesMin { get; init; }

    /// <summary>The most instructions that are looked at, on all paths.</summary>
    public int VisitedMax { get; init; } = 1_000_000;

    /// <summary>Who pays for what the verifier remembers; null if nobody.</summary>
    public MemoryCharge? Scratch { get; init; }
}
