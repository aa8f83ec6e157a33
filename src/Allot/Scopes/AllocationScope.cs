using System.Runtime.CompilerServices;

namespace Allot;

/// <summary>Scopes of the calling thread: what code inside of them may do to get memory, and whom it charges.</summary>
/// <remarks>
/// <para>Dispose what is returned in the opposite order, on the same thread: <c>using</c> does. Scopes nest, in any
/// order and as often as you like. They hold for the thread, not for work that it queues: that is what
/// <see cref="FlowingScope"/> is for.</para>
/// <para>Open one where the lock or the transaction begins that reclaim must not enter, not around one call.</para>
/// </remarks>
public static class AllocationScope
{
    /// <summary>Reclaim does not enter the file system or the like: a lock of it is held here.</summary>
    public static ThreadScope NoFs() => Enter(AllocationRestrictions.NoFs);

    /// <summary>Reclaim starts no input or output, and so does not enter the file system either.</summary>
    public static ThreadScope NoIo() => Enter(AllocationRestrictions.NoIo);

    /// <summary>Nothing is reclaimed, and a <c>Charge</c> that a limit refuses passes it, which is counted: for code
    /// that is about to give back more than it takes. Reclaimers run in it.</summary>
    public static ThreadScope NoReclaim() => Enter(AllocationRestrictions.NoReclaim);

    /// <summary>What is allocated stays where it is: <see cref="AllocationFlags.Movable"/> is removed, because the
    /// memory may be pinned for long.</summary>
    public static ThreadScope NoPin() => Enter(AllocationRestrictions.NoPin);

    /// <summary>Nothing blocks: no reclaim, no delay, no wait. A charge that does not fit is refused at once; one that
    /// must succeed throws <see cref="MustSucceedInAtomicException"/>.</summary>
    public static ThreadScope Atomic() => Enter(AllocationRestrictions.Atomic);

    /// <summary>For finding mistakes: whatever charges throws <see cref="AllocationDeniedException"/>, while
    /// <see cref="AllocationChecks"/> are on. Giving back is allowed.</summary>
    public static ThreadScope DenyAllocations()
    {
        ThreadContext.Intercept();
        return Enter(AllocationRestrictions.DenyAllocations);
    }

    /// <summary>Ends the effect of <see cref="DenyAllocations"/> for a while.</summary>
    public static ThreadScope AllowAllocations() =>
        Enter(AllocationRestrictions.None, clear: AllocationRestrictions.DenyAllocations);

    /// <summary>Charges succeed and nobody pays. Who charges and uncharges by hand does both inside or both outside; a
    /// <c>MemoryCharge</c> remembers what nobody has paid for.</summary>
    public static ThreadScope BlockAccounting()
    {
        ThreadContext.Intercept();
        return Enter(AllocationRestrictions.BlockAccounting);
    }

    /// <summary>A <c>Charge</c> that a limit refuses passes it, which is counted, and throws nothing: for cleaning
    /// up.</summary>
    public static ThreadScope NoThrowOnLimit() => Enter(AllocationRestrictions.NoThrowOnLimit);

    /// <summary>The current group (<see cref="AllocationContext.ActiveGroup"/>) is this one.</summary>
    /// <param name="group">Who is charged; nobody when null.</param>
    public static ActiveGroupScope ActiveGroup(MemoryGroup? group) => new(group);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ThreadScope Enter(AllocationRestrictions set, AllocationRestrictions clear = default)
    {
        (ulong outer, ulong mine) = ThreadContext.Enter(set, clear);
        if (AllocationChecks.IsEnabled) OpenScopes.Note(outer, mine);
        return new ThreadScope(outer, mine);
    }
}
