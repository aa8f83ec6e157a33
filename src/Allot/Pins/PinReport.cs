using System.Globalization;

namespace Allot;

/// <summary>Something that is locked or pinned.</summary>
public sealed record PinReport
{
    private PinReport()
    {
    }

    /// <summary>The group that was charged.</summary>
    public required MemoryGroup Group { get; init; }

    /// <summary>How it is held.</summary>
    public required PinKind Kind { get; init; }

    /// <summary>What holds it.</summary>
    public required PinSource Source { get; init; }

    /// <summary>The bytes held.</summary>
    public required long Bytes { get; init; }

    /// <summary>For how long the account has held something, without a pause: to some milliseconds.</summary>
    public required TimeSpan Age { get; init; }

    /// <summary>Where it began; null unless <see cref="PinFinder.RecordsPlaces"/> was on then.</summary>
    public string? Place { get; init; }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Bytes} bytes of '{Group.Path}', {(Kind == PinKind.Locked ? "locked" : "pinned")} ({Source}) for "
        + $"{Age.TotalSeconds:F3} s{(Place is null ? "" : $", from\n{Place}")}");

    internal static TimeSpan AgeOf(PinAccount account) =>
        account.Listing.Time is { } time ? PinClock.Elapsed(time, account.Listing.Since) : TimeSpan.Zero;

    internal static PinReport Of(PinAccount account)
    {
        (MemoryGroup group, long bytes) = account.Peek();
        return new PinReport
        {
            Group = group,
            Kind = account.Kind,
            Source = account.Source,
            Bytes = bytes,
            Age = AgeOf(account),
            Place = account.Listing.Place,
        };
    }
}
