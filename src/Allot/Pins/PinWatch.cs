// Who wants to know that pins were refused is told once for a burst of refusals, as a reader of pins.events is: when he
// is told, he reads what has happened so far, and what happens after that is told again.
//
// Protocol. A refusal raises _pending; whoever raises it first queues the call, and the call lowers it before it reads
// the events. So no refusal is left untold, and of those before the call has begun there is one call.

namespace Allot;

/// <summary>Watches the refusals of a group. Dispose it to end the calls; one that has begun then may still be running.
/// </summary>
internal sealed class PinWatch : IDisposable, IThreadPoolWorkItem
{
    private readonly MemoryGroup _group;
    private readonly Action<MemoryGroup> _callback;
    private readonly PinCounters _pins;
    private readonly Action _note;
    private int _pending;
    private volatile bool _disposed;

    public PinWatch(MemoryGroup group, Action<MemoryGroup> callback)
    {
        _group = group;
        _callback = callback;
        _ = group.Pins;
        _pins = group.PinsIfAny!;
        _note = Note;
        _pins.Watch(_note);
    }

    /// <summary>Calls back, on a thread of the pool.</summary>
    public void Execute()
    {
        Interlocked.Exchange(ref _pending, 0);
        if (_disposed) return;
        try
        {
            _callback(_group);
        }
        catch (Exception thrown)
        {
            TraceReport.Error(
                $"a watcher of the pins of '{_group.Path}' threw, which was contained: {TraceReport.Describe(thrown)}");
        }
    }

    public void Dispose()
    {
        _disposed = true;
        _pins.Unwatch(_note);
    }

    // Something was refused.
    private void Note()
    {
        if (_disposed || Interlocked.Exchange(ref _pending, 1) != 0) return;
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }
}
