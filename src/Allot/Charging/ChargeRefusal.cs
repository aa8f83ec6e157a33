// Why a charge was refused, in numbers and in words (I10).

using System.Diagnostics;
using System.Text;

namespace Allot;

/// <summary>A refused charge: what was asked, of whom, and which limit said no; <see cref="ToString"/> explains.
/// </summary>
/// <remarks>The numbers are read right after the refusal: with racing threads they can already show room. The holders
/// named by <see cref="ToString"/> are those of the moment it is called. The default value means not refused.
/// </remarks>
public readonly struct ChargeRefusal
{
    private const int HoldersNamed = 3;

    internal ChargeRefusal(MemoryGroup group, CounterKind counter, long requestedBytes, MemoryGroup limiter)
    {
        Debug.Assert(requestedBytes > 0, "Nothing always fits.");
        Group = group;
        Counter = counter;
        RequestedBytes = requestedBytes;
        Limiter = limiter;
        CurrentBytes = limiter.Counter(counter).ReadUsed(out long max);
        MaxBytes = max;
        bool fits = requestedBytes <= max - CurrentBytes && limiter.Counter(counter).HasLine;
        Reason = fits ? RefusalReason.RoomPromised : RefusalReason.LimitReached;
    }

    internal ChargeRefusal(MemoryGroup group, CounterKind counter, long requestedBytes)
    {
        Debug.Assert(group.State != MemoryGroupState.Online, "Only a group that has ended refuses without a limit.");
        Reason = group.Life?.Ending is null ? RefusalReason.GroupRemoved : RefusalReason.GroupKilled;
        Group = group;
        Counter = counter;
        RequestedBytes = requestedBytes;
        MaxBytes = MemoryGroup.Unlimited;
    }

    internal ChargeRefusal(MemoryGroup group, long requestedBytes, long currentBytes, long maxBytes)
    {
        Debug.Assert(requestedBytes > maxBytes - currentBytes, "What fits is not refused.");
        Reason = RefusalReason.LockLimitReached;
        Group = group;
        Counter = CounterKind.Pins;
        RequestedBytes = requestedBytes;
        CurrentBytes = currentBytes;
        MaxBytes = maxBytes;
    }

    internal ChargeRefusal(MemoryGroup group, CounterKind counter, long requestedBytes, RefusalReason reason)
    {
        Debug.Assert(reason == RefusalReason.InPolicy, "The others have numbers of their own.");
        Reason = reason;
        Group = group;
        Counter = counter;
        RequestedBytes = requestedBytes;
        MaxBytes = MemoryGroup.Unlimited;
    }

    /// <summary>Whether the group was removed since it was found: its heir pays.</summary>
    internal bool IsForHeir => this is { Reason: RefusalReason.GroupRemoved, Group.State: MemoryGroupState.Offline };

    /// <summary>Why; <see cref="RefusalReason.None"/> for the default value.</summary>
    public RefusalReason Reason { get; }

    /// <summary>The group that was asked; null for the default value.</summary>
    public MemoryGroup? Group { get; }

    /// <summary>The group whose limit refused: the one asked, or an ancestor. Null unless a limit refused.</summary>
    public MemoryGroup? Limiter { get; }

    /// <summary>Which of its counters refused.</summary>
    public CounterKind Counter { get; }

    /// <summary>The bytes asked for.</summary>
    public long RequestedBytes { get; }

    /// <summary>The bytes the limiter had in use; the process, where its own limit refused.</summary>
    public long CurrentBytes { get; }

    /// <summary>The limiter's limit in bytes; that of the process, where it refused.</summary>
    public long MaxBytes { get; }

    /// <summary>One sentence for people: the request, the group, the limiter with its use and limit, its largest
    /// holders, and the knob to turn. Allocates, and takes the lock of the tree.</summary>
    public override string ToString() => Reason switch
    {
        RefusalReason.LimitReached => ExplainLimit(),
        RefusalReason.RoomPromised =>
            $"Cannot charge {RequestedBytes} bytes to '{Group!.Path}' ({Resource}): '{Limiter!.Path}' holds "
            + $"{CurrentBytes} of its {MaxBytes} bytes, and the room that is left is promised to a charge that waits "
            + $"for it. Wait in line with ChargeAsync, or raise {Counter}.MaxBytes on '{Limiter.Path}'.",
        RefusalReason.GroupRemoved =>
            $"Cannot charge {RequestedBytes} bytes to '{Group!.Path}' ({Resource}): the group was removed.",
        RefusalReason.GroupKilled =>
            $"Cannot charge {RequestedBytes} bytes to '{Group!.Path}' ({Resource}): the group was "
            + $"{Group.Life!.Ending!.Explain(Group.Path)}.",
        RefusalReason.LockLimitReached =>
            $"Cannot charge {RequestedBytes} bytes to '{Group!.Path}' ({Resource}): the process holds "
            + $"{CurrentBytes} of the {MaxBytes} bytes that it may lock and pin (RLIMIT_MEMLOCK). Raise that with "
            + "'ulimit -l', or release what it holds.",
        RefusalReason.InPolicy =>
            $"Cannot charge {RequestedBytes} bytes to '{Group!.Path}' ({Resource}): a policy must not charge the group "
            + "that it is told about. Let it use what is charged to another group.",
        _ => "Not refused.",
    };

    private string ExplainLimit()
    {
        string limiter = Limiter!.Path;
        var text = new StringBuilder();
        text.Append($"Cannot charge {RequestedBytes} bytes to '{Group!.Path}' ({Resource}): ");
        text.Append($"'{limiter}' holds {CurrentBytes} of its {MaxBytes} bytes. ");
        if (RequestedBytes > MaxBytes) text.Append("The request is larger than the whole limit. ");
        AppendHolders(text);
        text.Append($"Raise {Counter}.MaxBytes on '{limiter}', or release what it holds.");
        return text.ToString();
    }

    private string Resource => Counter switch
    {
        CounterKind.Memory => "memory",
        CounterKind.Kernel => "kernel memory",
        _ => "pins",
    };

    private void AppendHolders(StringBuilder text)
    {
        CounterKind counter = Counter;
        IReadOnlyList<MemoryGroup> children = Limiter!.Children;
        (string Name, long Bytes)[] holders =
            [.. children.Select(child => ($"'{child.Name}'", child.CurrentBytesOf(counter)))];
        Int128 below = holders.Aggregate(Int128.Zero, static (sum, holder) => sum + holder.Bytes);
        long own = (long)Int128.Max(0, Limiter.Counter(counter).CurrentBytes - below);
        string[] largest =
        [
            .. holders.Append(("itself", own))
                .Where(holder => holder.Item2 > 0)
                .OrderByDescending(holder => holder.Item2)
                .Take(HoldersNamed)
                .Select(holder => $"{holder.Item1} {holder.Item2}"),
        ];
        if (largest.Length > 0) text.Append($"Largest holders: {string.Join(", ", largest)}. ");
    }
}
