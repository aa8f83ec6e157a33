namespace Allot;

/// <summary>What a <see cref="PinAccount"/> is for.</summary>
public sealed class PinAccountOptions
{
    /// <summary>How the memory is held. Default: <see cref="PinKind.Pinned"/>.</summary>
    public PinKind Kind { get; init; } = PinKind.Pinned;

    /// <summary>What holds it, for <c>pins.stat</c>. Default: <see cref="PinSource.Other"/>.</summary>
    public PinSource Source { get; init; }

    /// <summary>The limit of the process that holds besides that of the group; null for none. Default: that of this
    /// process.</summary>
    /// <remarks>It is about memory that the operating system locks or pins. What only the collector does not move is
    /// none of its business.</remarks>
    public MemoryLockLimit? LockLimit { get; init; } = MemoryLockLimit.OfProcess;

    /// <summary>Whether the account stays in the list of those that hold something while it holds nothing: for an
    /// owner that pins and unpins often, and disposes it in any case.</summary>
    internal bool StaysListed { get; init; }

    internal void Validate()
    {
        GroupPinning.ValidateKind(Kind);
        if (Source is < PinSource.Other or > PinSource.Device)
        {
            throw new ArgumentOutOfRangeException(nameof(Source), Source, "There is no such source.");
        }
    }
}
