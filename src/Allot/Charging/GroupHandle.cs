using System.Runtime.CompilerServices;

namespace Allot;

/// <summary>A group as one thread charges it in a loop: it remembers where this thread holds the group's bytes in
/// advance, so that a charge is a few plain instructions.</summary>
/// <remarks>Belongs to the thread that asked for it, which the compiler ensures. It counts exactly what the group's own
/// methods count; charge by one and uncharge by the other as you like. Kernel memory that is not counted (<see
/// cref="MemoryGroup.CountsKernelMemory"/>) passes faster by those. A handle that was made outside of
/// <see cref="AllocationScope.BlockAccounting"/> counts inside as well. It keeps the group alive and nothing
/// else.</remarks>
public readonly unsafe ref struct GroupHandle
{
    private const long NoKey = -1;

    private readonly MemoryGroup _group;
    private readonly ReserveSlot* _slot;
    private readonly long _key;

    internal GroupHandle(MemoryGroup group, MemoryKind kind)
    {
        // What is not counted matches no slot, and the group lets it pass. Nor does what a reclaimer charges, or code
        // in a scope that looks at every charge: that is the group's work. A handle does not outlive the call that it
        // was made in.
        bool isCounted = group.Counts(kind);
        bool isFast = isCounted && !ThreadReserves.IsPaused;
        MemoryCounter counter = isCounted ? group.CounterOf(kind) : group.Memory;
        _group = group;
        _slot = ThreadReserves.SlotOf(counter);
        _key = isFast ? counter.ReserveKey : NoKey;
        Kind = kind;
    }

    /// <summary>The group.</summary>
    public MemoryGroup Group => _group;

    /// <summary>The kind of memory that is charged.</summary>
    public MemoryKind Kind { get; }

    /// <summary>Charges the group and all its ancestors, or nobody.</summary>
    /// <param name="bytes">0 to <see cref="MemoryGroup.MaxChargeBytes"/>.</param>
    /// <returns>True when the bytes are charged. False when a limit refused, or the group has ended; the method that
    /// takes a <see cref="ChargeRefusal"/> tells which.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The amount is negative or larger than the largest
    /// charge.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryCharge(long bytes) =>
        _slot->TrySpend(_key, bytes) || TryChargeGroup(_group, Kind, bytes);

    /// <summary>Charges the group and all its ancestors, or nobody.</summary>
    /// <param name="bytes">0 to <see cref="MemoryGroup.MaxChargeBytes"/>.</param>
    /// <param name="refusal">When false is returned: who refused, and why. Otherwise the default value.</param>
    /// <returns>True when the bytes are charged. False when a limit refused, or the group has ended.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The amount is negative or larger than the largest
    /// charge.</exception>
    public bool TryCharge(long bytes, out ChargeRefusal refusal) => _group.TryCharge(Kind, bytes, out refusal);

    /// <summary>Charges the group and all its ancestors.</summary>
    /// <param name="bytes">0 to <see cref="MemoryGroup.MaxChargeBytes"/>.</param>
    /// <exception cref="MemoryLimitExceededException">A limit refused, or the group has ended; nothing is
    /// charged.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The amount is negative or larger than the largest
    /// charge.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Charge(long bytes)
    {
        if (!_slot->TrySpend(_key, bytes)) _group.Charge(Kind, bytes);
    }

    /// <summary>Gives bytes back that were charged to the group with this kind.</summary>
    /// <param name="bytes">0 to <see cref="MemoryGroup.MaxChargeBytes"/>, at most what is charged.</param>
    /// <exception cref="ArgumentOutOfRangeException">The amount is negative or larger than the largest
    /// charge.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Uncharge(long bytes)
    {
        if (!_slot->TryKeep(_key, bytes)) _group.Uncharge(Kind, bytes);
    }

    // Not inlined: a refusal is much to clear, on the stack of every charge.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryChargeGroup(MemoryGroup group, MemoryKind kind, long bytes) =>
        group.TryCharge(kind, bytes, out _);
}
