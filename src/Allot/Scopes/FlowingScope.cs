// A scope that follows the ExecutionContext. The object is both what the user disposes and the value that flows: it is
// the only allocation of its own.
//
// It flows to wherever the ExecutionContext does, and stays there: a task or timer that was started inside keeps it
// after it was left here. So it holds no resources, and what flows does not change (only _isLeft does, which nothing
// but a second Dispose asks for).
//
// The change handler mirrors the innermost scope of the flow into thread-static storage, so that no charge ever reads
// the AsyncLocal.

using System.Diagnostics;

namespace Allot;

/// <summary>A scope that flows with the asynchronous work it is entered in: across <c>await</c>, into tasks, threads
/// and timers that are started inside.</summary>
/// <remarks>Costs tens of nanoseconds and one or two small objects; where no <c>await</c> is in between, use
/// <see cref="AllocationScope"/>. Dispose it in the method that has entered it. What was started inside and is still
/// running keeps it.</remarks>
public sealed class FlowingScope : IDisposable
{
    private static readonly AsyncLocal<FlowingScope?> s_innermost = new(OnChanged);

    private readonly FlowingScope? _outer;
    private readonly StackTrace? _entered = AllocationChecks.IsEnabled ? new StackTrace(2, fNeedFileInfo: true) : null;
    private bool _isLeft;

    private FlowingScope(FlowingScope? outer, AllocationRestrictions restrictions)
    {
        _outer = outer;
        Restrictions = restrictions | (outer?.Restrictions ?? AllocationRestrictions.None);
        Group = outer?.Group;
        GroupSetter = outer?.GroupSetter;
    }

    private FlowingScope(FlowingScope? outer, MemoryGroup? group)
    {
        _outer = outer;
        Restrictions = outer?.Restrictions ?? AllocationRestrictions.None;
        Group = group;
        GroupSetter = this;
    }

    /// <summary>The group of the flow; null when it has none, or nobody is charged.</summary>
    internal MemoryGroup? Group { get; }

    /// <summary>The scope that has set the group; null when none has.</summary>
    internal FlowingScope? GroupSetter { get; }

    /// <summary>All that the scopes of the flow restrict.</summary>
    internal AllocationRestrictions Restrictions { get; }

    /// <summary>As <see cref="AllocationScope.NoFs"/>.</summary>
    public static FlowingScope NoFs() => Enter(AllocationRestrictions.NoFs);

    /// <summary>As <see cref="AllocationScope.NoIo"/>.</summary>
    public static FlowingScope NoIo() => Enter(AllocationRestrictions.NoIo);

    /// <summary>As <see cref="AllocationScope.NoReclaim"/>.</summary>
    public static FlowingScope NoReclaim() => Enter(AllocationRestrictions.NoReclaim);

    /// <summary>As <see cref="AllocationScope.NoPin"/>.</summary>
    public static FlowingScope NoPin() => Enter(AllocationRestrictions.NoPin);

    /// <summary>As <see cref="AllocationScope.ActiveGroup"/>.</summary>
    /// <param name="group">Who is charged; nobody when null.</param>
    public static FlowingScope ActiveGroup(MemoryGroup? group) => Enter(new FlowingScope(ThreadGroups.Flow, group));

    /// <summary>Leaves the scope: what held before holds again, in this flow. Safe to call twice.</summary>
    /// <exception cref="ScopeMisuseException">A scope that was entered later is still open, or this one was entered in
    /// another flow; nothing has changed.</exception>
    public void Dispose()
    {
        FlowingScope? innermost = ThreadGroups.Flow;
        if (innermost == this)
        {
            _isLeft = true;
            s_innermost.Value = _outer;
            return;
        }

        if (_isLeft) return;
        for (FlowingScope? scope = innermost; scope is not null; scope = scope._outer)
        {
            if (scope == this) throw ScopeMisuseException.OutOfOrder(_entered, innermost?._entered);
        }

        throw ScopeMisuseException.InAnotherFlow(_entered);
    }

    private static FlowingScope Enter(AllocationRestrictions restrictions) =>
        Enter(new FlowingScope(ThreadGroups.Flow, restrictions));

    private static FlowingScope Enter(FlowingScope scope)
    {
        s_innermost.Value = scope;
        return scope;
    }

    private static void OnChanged(AsyncLocalValueChangedArgs<FlowingScope?> change)
    {
        FlowingScope? innermost = change.CurrentValue;
        ThreadContext.SetFlowing(innermost?.Restrictions ?? AllocationRestrictions.None);
        ThreadGroups.SetFlow(innermost);
    }
}
