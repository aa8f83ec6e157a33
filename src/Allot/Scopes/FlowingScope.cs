// A scope that follows the ExecutionContext. The object is both what the user disposes and the value that flows: it is
// the only allocation of its own.
//
// It flows to wherever the ExecutionContext does, and stays there: a task or timer that was started inside keeps it
// after it was left here. So it holds no resources, and what flows does not change (only _isLeft does, which nothing
// but a second Dispose asks for).
//
// The AsyncLocal has no change handler: the runtime would call it twice at every await. Threads remember what they have
// read (ThreadGroups).

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Allot;

/// <summary>A scope that flows with the asynchronous work it is entered in: across <c>await</c>, into tasks, threads
/// and timers that are started inside.</summary>
/// <remarks>Costs tens of nanoseconds and one or two small objects; where no <c>await</c> is in between, use
/// <see cref="AllocationScope"/>. Dispose it in the method that has entered it. What was started inside and is still
/// running keeps it.</remarks>
public sealed class FlowingScope : IDisposable
{
    private static readonly AsyncLocal<FlowingScope?> s_innermost = new();

    // Few references, and none written that stays null: each written one costs as much as reading the whole context.
    private readonly FlowingScope? _outer;

    // Of a scope that sets the group: the group, null for nobody. Of another: the scope that has set it, if any.
    private readonly object? _groupOrSetter;
    private readonly bool _setsGroup;
    private bool _isLeft;
    private byte _notedDepth;   // of the scopes that know where they were entered; up to OpenScopes.StacksMax

    // The contexts right before and right after it was entered. As long as the latter is the current one, nothing else
    // was set inside, and this scope is the innermost: to go back to the former is then the same as to set the value
    // back, and allocates nothing. Null where the flow is suppressed, and once it was left.
    private ExecutionContext? _before;
    private ExecutionContext? _inside;

    private FlowingScope(FlowingScope? outer, AllocationRestrictions restrictions)
    {
        Restrictions = restrictions;
        if (outer is null) return;
        _outer = outer;
        Restrictions |= outer.Restrictions;
        if (outer.GroupSetter is { } setter) _groupOrSetter = setter;
    }

    private FlowingScope(FlowingScope? outer, MemoryGroup? group)
    {
        _setsGroup = true;
        _groupOrSetter = group;
        if (outer is null) return;
        _outer = outer;
        Restrictions = outer.Restrictions;
    }

    /// <summary>The innermost scope of the flow that the calling thread works for; null outside of all.</summary>
    internal static FlowingScope? Innermost => s_innermost.Value;

    /// <summary>The group that this scope has set; null for nobody.</summary>
    internal MemoryGroup? OwnGroup
    {
        get
        {
            Debug.Assert(_setsGroup, "A scope that restricts has no group of its own.");
            return Unsafe.As<MemoryGroup?>(_groupOrSetter);
        }
    }

    /// <summary>The scope that has set the group; null when none has.</summary>
    internal FlowingScope? GroupSetter => _setsGroup ? this : Unsafe.As<FlowingScope?>(_groupOrSetter);

    /// <summary>Where it was entered; null when the checks were off then.</summary>
    internal StackTrace? Entered { get; private set; }

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
    public static FlowingScope ActiveGroup(MemoryGroup? group)
    {
        ThreadGroups.ExpectFlowing();
        return Enter(new FlowingScope(Innermost, group));
    }

    /// <summary>Leaves the scope: what held before holds again, in this flow. Safe to call twice in the method that has
    /// entered it.</summary>
    /// <remarks>A task that was started inside, and an async method that was called inside, have the same flow as who
    /// has started them, as far as a program can tell. So where one of these leaves the scope it is left there and for
    /// what it starts, and still holds in the method that has entered it. That is found when that method leaves it.
    /// </remarks>
    /// <exception cref="ScopeMisuseException">A scope that was entered later is still open in this flow, or this one
    /// does not hold in it and was not left before: nothing has changed. Or a task or a method that was started inside
    /// has left it before: it is left here now.</exception>
    public void Dispose()
    {
        ExecutionContext? before = _before;
        bool isAsEntered = before is not null && ReferenceEquals(ExecutionContext.Capture(), _inside);
        if (isAsEntered)
        {
            _isLeft = true;
            _before = _inside = null;
            ExecutionContext.Restore(before!);
            return;
        }

        DisposeInOtherContext();
    }

    // What holds inside is not what held right after it was entered: another AsyncLocal was set inside and keeps its
    // value, the flow is suppressed, or this is a mistake.
    private void DisposeInOtherContext()
    {
        FlowingScope? innermost = Innermost;
        if (innermost == this)
        {
            bool isLeftElsewhere = _isLeft;   // for had it been left here, it would not be the innermost
            _isLeft = true;
            _before = _inside = null;
            s_innermost.Value = _outer;
            if (isLeftElsewhere) throw ScopeMisuseException.LeftInAnotherFlow(Entered);
            return;
        }

        if (_isLeft) return;
        for (FlowingScope? scope = innermost; scope is not null; scope = scope._outer)
        {
            if (scope == this) throw ScopeMisuseException.OutOfOrder(Entered, innermost?.Entered);
        }

        throw ScopeMisuseException.InAnotherFlow(Entered);
    }

    /// <summary>The outermost scope of the flow that restricts this without a break down to here; null when none does.
    /// </summary>
    internal FlowingScope? FindSetter(AllocationRestrictions restriction)
    {
        FlowingScope? setter = null;
        for (FlowingScope? scope = this; scope is not null && (scope.Restrictions & restriction) != 0;)
        {
            setter = scope;
            scope = scope._outer;
        }

        return setter;
    }

    /// <summary>Ends what foreign code has forgotten to leave in this flow, and enters again what it has left.
    /// </summary>
    /// <param name="innermost">What <see cref="Innermost"/> was before.</param>
    internal static void Restore(FlowingScope? innermost)
    {
        if (Innermost != innermost) s_innermost.Value = innermost;
    }

    internal static FlowingScope Enter(AllocationRestrictions restrictions)
    {
        ThreadContext.ExpectFlowing();
        return Enter(new FlowingScope(Innermost, restrictions));
    }

    private static FlowingScope Enter(FlowingScope scope)
    {
        if (AllocationChecks.IsEnabled) scope.NoteEntered();
        scope._before = ExecutionContext.Capture();
        s_innermost.Value = scope;
        scope._inside = ExecutionContext.Capture();
        return scope;
    }

    // Only this frame is left out: in an optimized build those between it and whoever enters the scope are inlined.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void NoteEntered()
    {
        int outside = _outer?._notedDepth ?? 0;
        if (outside == OpenScopes.StacksMax)
        {
            _notedDepth = OpenScopes.StacksMax;
            return;
        }

        _notedDepth = (byte)(outside + 1);
        Entered = new StackTrace(skipFrames: 1, fNeedFileInfo: true);
    }
}
