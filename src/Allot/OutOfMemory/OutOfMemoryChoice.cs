namespace Allot;

/// <summary>What an out-of-memory policy has chosen. The default value refuses the charge and kills nobody.</summary>
public readonly record struct OutOfMemoryChoice
{
    private OutOfMemoryChoice(MemoryGroup? victim, string reason)
    {
        Victim = victim;
        Reason = reason;
    }

    /// <summary>The group to kill; null to refuse the charge.</summary>
    public MemoryGroup? Victim { get; }

    /// <summary>Why, for people; null in the default value.</summary>
    public string? Reason { get; }

    /// <summary>Kills a group, with everything below it.</summary>
    /// <param name="victim">A group at or below the limit that was met.</param>
    /// <param name="reason">Why this one: it is recorded, and told to whoever charges the group later.</param>
    public static OutOfMemoryChoice Kill(MemoryGroup victim, string reason)
    {
        ArgumentNullException.ThrowIfNull(victim);
        ArgumentException.ThrowIfNullOrWhiteSpace(reason);
        return new OutOfMemoryChoice(victim, reason);
    }

    /// <summary>Kills nobody; the charge is refused.</summary>
    /// <param name="reason">Why: it is recorded.</param>
    public static OutOfMemoryChoice Refuse(string reason)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(reason);
        return new OutOfMemoryChoice(null, reason);
    }
}
