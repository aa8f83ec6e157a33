// Around code of others that Allot calls on a thread that asks for memory: policies, observers, callbacks.
//
// That code runs under the locks that the thread holds, so what was said about those (NoFs, NoIo, NoReclaim, NoPin,
// Atomic) holds for it too. The rest was said about the code that asks for memory and is not for it: it may allocate,
// what it charges counts, it is told when a limit refuses, and it works for nobody.

namespace Allot;

internal readonly ref struct ForeignScope
{
    /// <summary>What scopes say about the code inside, and not about the locks that are held around it.</summary>
    public const AllocationRestrictions NotForForeignCode = AllocationRestrictions.DenyAllocations
        | AllocationRestrictions.BlockAccounting | AllocationRestrictions.NoThrowOnLimit;

    private readonly ulong _outer;
    private readonly ThreadGroups.Entry _outerGroup;

    private ForeignScope(ulong outer, ThreadGroups.Entry outerGroup)
    {
        _outer = outer;
        _outerGroup = outerGroup;
    }

    public static ForeignScope Enter()
    {
        (ulong outer, _) = ThreadContext.Enter(AllocationRestrictions.None, clear: NotForForeignCode);
        return new ForeignScope(outer, ThreadGroups.Enter(null));
    }

    /// <summary>Leaves it, with all that the code inside has forgotten to leave.</summary>
    public void Dispose()
    {
        ThreadContext.LeaveAll(_outer);
        ThreadGroups.Restore(_outerGroup);
    }
}
