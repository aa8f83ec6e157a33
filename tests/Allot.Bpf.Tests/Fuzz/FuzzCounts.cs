namespace Allot.Bpf.Tests.Fuzz;

/// <summary>What has come of the programs.</summary>
internal readonly record struct FuzzCounts
{
    public long Programs { get; init; }

    /// <summary>Accepted by the verifier, and run.</summary>
    public long Verified { get; init; }

    /// <summary>Refused by the verifier, and run because their structure is right.</summary>
    public long Structured { get; init; }

    /// <summary>Objects; their programs are among the others.</summary>
    public long Objects { get; init; }

    public long ObjectsRefused { get; init; }

    public override string ToString() =>
        $"{Programs} programs, {Verified} verified and {Structured} by structure only have run; "
        + $"{Objects} objects, {ObjectsRefused} refused";
}
