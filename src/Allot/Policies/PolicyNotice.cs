namespace Allot;

/// <summary>What a <see cref="MemoryPolicy"/> is asked or told about. Amounts are those of the moment.</summary>
/// <param name="Point">Where.</param>
/// <param name="Group">The group that it is about: whose limit or high limit it is, who was charged or uncharged, who
/// may be taken from, who was created or removed. At or below the group that the policy is attached to, but for
/// <see cref="PolicyPoint.OutOfMemory"/> too: the limit is at or below it.</param>
/// <param name="Requester">The group that was charged; of <see cref="PolicyPoint.BelowLow"/> and
/// <see cref="PolicyPoint.BelowMin"/> the one for which is reclaimed.</param>
/// <param name="Counter">Which counter of <paramref name="Group"/>: memory or kernel memory.</param>
/// <param name="Bytes">The bytes charged, asked for or given back; 0 where there are none.</param>
/// <param name="CurrentBytes">What <paramref name="Group"/> uses of the counter.</param>
/// <param name="LimitBytes">What it is compared with: the limit, the high limit, or the protection that holds now.
/// </param>
/// <param name="Delay">Of <see cref="PolicyPoint.OverHigh"/>: how long the charge is delayed if the policy does not
/// say otherwise.</param>
public readonly record struct PolicyNotice(
    PolicyPoint Point,
    MemoryGroup Group,
    MemoryGroup Requester,
    CounterKind Counter = CounterKind.Memory,
    long Bytes = 0,
    long CurrentBytes = 0,
    long LimitBytes = MemoryGroup.Unlimited,
    TimeSpan Delay = default);
