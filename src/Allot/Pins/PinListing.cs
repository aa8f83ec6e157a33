namespace Allot;

/// <summary>An account's place in the list of those that hold something. Written under the lock of its list.</summary>
internal struct PinListing
{
    public PinAccount? Next, Previous;
    public bool IsListed;

    /// <summary>When it began to hold something: see <see cref="PinClock"/>.</summary>
    public long Since;

    /// <summary>Whose time that is: the group can become one of another tree.</summary>
    public TimeProvider? Time;

    /// <summary>Which of the lists it is in.</summary>
    public int List;

    /// <summary>Where that was in the program; null unless places are recorded.</summary>
    public string? Place;
}
