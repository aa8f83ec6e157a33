// The one place where a request and the context meet. A scope only ever removes permissions; a call can be stricter
// than its scope, never laxer. Thread scopes and flowing scopes restrict alike.

using System.Runtime.CompilerServices;

namespace Allot;

/// <summary>What the current context permits, and whom it charges.</summary>
public static class AllocationContext
{
    private const AllocationFlags BlockingPermissions =
        AllocationFlags.DirectReclaim | AllocationFlags.Io | AllocationFlags.FileSystem;

    /// <summary>What the scopes around the caller restrict.</summary>
    public static AllocationRestrictions Restrictions => ThreadContext.Restrictions;

    /// <summary>Who is charged where a call names no group: that of the innermost scope, or the nearest group above it
    /// that was not removed. Null when nobody is.</summary>
    public static MemoryGroup? ActiveGroup
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            MemoryGroup? group = ThreadGroups.Active;
            return group is { State: MemoryGroupState.Offline } ? HeirOf(group) : group;
        }
    }

    /// <summary>What is left of a request in the current context: whoever allocates goes by that.</summary>
    /// <param name="requested">What the call asks for.</param>
    /// <returns>The request without what the context forbids; never anything that was not requested.</returns>
    /// <exception cref="MustSucceedInAtomicException">The request must succeed, and the context is atomic.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static AllocationFlags Apply(AllocationFlags requested)
    {
        AllocationRestrictions restrictions = ThreadContext.Restrictions;
        return restrictions == AllocationRestrictions.None ? requested : Apply(requested, restrictions);
    }

    /// <summary>Says that memory may be asked for here: a mistake shows although nothing is allocated this time.
    /// Always checks that what must succeed is not atomic; the rest while <see cref="AllocationChecks"/> are on, and
    /// otherwise it does nothing.</summary>
    /// <param name="flags">What would be asked for.</param>
    /// <exception cref="MustSucceedInAtomicException">The request must succeed, and the context is atomic.</exception>
    /// <exception cref="AllocationDeniedException">The context denies allocations.</exception>
    public static void MightAllocate(AllocationFlags flags)
    {
        _ = Apply(flags);
        if (AllocationChecks.IsEnabled) AllocationChecks.CheckClaim(flags);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static MemoryGroup HeirOf(MemoryGroup removed)
    {
        MemoryGroup group = removed;
        while (group is { State: MemoryGroupState.Offline, Parent: { } heir }) group = heir;
        return group;
    }

    internal static AllocationFlags Apply(AllocationFlags requested, AllocationRestrictions restrictions)
    {
        AllocationFlags removed = AllocationFlags.None;
        if ((restrictions & AllocationRestrictions.NoFs) != 0) removed |= AllocationFlags.FileSystem;
        if ((restrictions & AllocationRestrictions.NoIo) != 0)
        {
            removed |= AllocationFlags.Io | AllocationFlags.FileSystem;
        }

        if ((restrictions & AllocationRestrictions.NoPin) != 0) removed |= AllocationFlags.Movable;
        if ((restrictions & AllocationRestrictions.Atomic) != 0)
        {
            if ((requested & AllocationFlags.MustSucceed) != 0) throw new MustSucceedInAtomicException();
            removed |= BlockingPermissions;
        }

        return requested & ~removed;
    }
}
