// The one place where a request and the context meet. A scope only ever removes permissions; a call can be stricter
// than its scope, never laxer. Thread scopes and flowing scopes restrict alike.

using System.Runtime.CompilerServices;

namespace Allot;

/// <summary>What the current context permits, and whom it charges.</summary>
public static class AllocationContext
{
    private const AllocationFlags BlockingPermissions =
        AllocationFlags.DirectReclaim | AllocationFlags.Io | AllocationFlags.FileSystem;

    // What may be wrong in a request: looked at only where it is said.
    private const AllocationFlags Unknown = ~(AllocationFlags)(((int)AllocationFlags.NoOrderCheck << 1) - 1);
    private const AllocationFlags SeldomSaid = AllocationFlags.MustSucceed | Unknown;

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
    /// Always checks that what must succeed is not atomic, and may wait; the rest while <see cref="AllocationChecks"/>
    /// are on, and otherwise it does nothing.</summary>
    /// <param name="flags">What would be asked for, from a group of any tree.</param>
    /// <exception cref="MustSucceedInAtomicException">The request must succeed, and the context is atomic.</exception>
    /// <exception cref="ArgumentException">The request must succeed, and may not reclaim.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such flag.</exception>
    /// <exception cref="AllocationDeniedException">The context denies allocations.</exception>
    public static void MightAllocate(AllocationFlags flags) => MightAllocate(flags, group: null);

    /// <summary>The same, where it is known who would be charged.</summary>
    internal static void MightAllocate(AllocationFlags flags, MemoryGroup? group)
    {
        Validate(flags);
        _ = Apply(flags);
        if (AllocationChecks.IsEnabled) AllocationChecks.CheckClaim(flags, group);
    }

    /// <summary>A request is refused that means nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Validate(AllocationFlags flags)
    {
        if ((flags & SeldomSaid) != 0) ValidateSeldomSaid(flags);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ValidateSeldomSaid(AllocationFlags flags)
    {
        if ((flags & Unknown) != 0)
        {
            throw new ArgumentOutOfRangeException(nameof(flags), flags, "There is no such flag.");
        }

        if ((flags & AllocationFlags.DirectReclaim) == 0)
        {
            throw new ArgumentException("MustSucceed needs DirectReclaim: it may have to wait.", nameof(flags));
        }
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
