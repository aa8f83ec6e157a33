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
    private readonly FlowingScope? _outerFlow;
    private readonly ThreadGroups.Entry _outerGroup;

    private ForeignScope(ulong outer, FlowingScope? outerFlow, ThreadGroups.Entry outerGroup)
    {
        _outer = outer;
        _outerFlow = outerFlow;
        _outerGroup = outerGroup;
    }

    public static ForeignScope Enter()
    {
        FlowingScope? outerFlow = FlowingScope.Innermost;
        (ulong outer, ulong mine) = ThreadContext.Enter(AllocationRestrictions.None, clear: NotForForeignCode);
        if (AllocationChecks.IsEnabled) OpenScopes.NoteOwn(outer, mine);
        return new ForeignScope(outer, outerFlow, ThreadGroups.Enter(null));
    }

    /// <summary>Leaves it, with all that the code inside has forgotten to leave, on the thread and in its flow; what
    /// it has left in the flow and had not entered holds again.</summary>
    public void Dispose()
    {
        ThreadContext.LeaveAll(_outer);
        FlowingScope.Restore(_outerFlow);
        ThreadGroups.Restore(_outerGroup);
    }
}
