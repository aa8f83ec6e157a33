// The ExecutionContext that a thread has read its flow from, to know whether it still works for the same.
//
// An ExecutionContext does not change: setting any AsyncLocal makes a new one. So what was read from one holds for as
// long as the thread is in that one, and comparing two references replaces reading an AsyncLocal and replaces a change
// handler, which the runtime would call twice at every await.
//
// The reference is weak. A thread that waits for work must not keep alive whatever the last flow it has served carries.
// Where the flow is suppressed no context can be had, although its values are there: nothing is remembered then.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Allot;

internal readonly struct FlowContext
{
    private readonly WeakGCHandle<ExecutionContext?> _handle;

    private FlowContext(WeakGCHandle<ExecutionContext?> handle)
    {
        _handle = handle;
        IsAllocated = true;
    }

    // A field of its own: to ask the handle is a call that is not inlined.
    public bool IsAllocated { get; }

    /// <summary>Whether the calling thread is in the context that was remembered last.</summary>
    public bool IsCurrent
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => IsAllocated && _handle.TryGetTarget(out ExecutionContext? seen)
            && ReferenceEquals(seen, ExecutionContext.Capture());
    }

    public static FlowContext Allocate() => new(new WeakGCHandle<ExecutionContext?>(null));

    /// <summary>Remembers the context of the calling thread; none where the flow is suppressed.</summary>
    public void Remember() => _handle.SetTarget(ExecutionContext.Capture());

    public void Free() => _handle.Dispose();
}
