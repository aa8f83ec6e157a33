// Who wants to know that pins were refused is told once for a burst of refusals, as a reader of pins.events is: when he
// is told, he reads what has happened so far, and what happens after that is told again.
//
// Protocol. _state is Idle; Pending when a refusal is to be told; Telling while the call runs that tells of all before
// it. A refusal makes it Pending, and queues the call if it was Idle; the call goes on until nothing is Pending. So no
// refusal is left untold, and no two calls run at once.

namespace Allot;

/// <summary>Watches the refusals of a group. Dispose it to end the calls; one that has begun then may still be running.
/// </summary>
internal sealed class PinWatch : IDisposable, IThreadPoolWorkItem
{
    private const int Idle = 0, Pending = 1, Telling = 2;

    private readonly MemoryGroup _group;
    private readonly Action<MemoryGroup> _callback;
    private readonly PinCounters _pins;
    private readonly Action _note;
    private int _state;
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
        do
        {
            Interlocked.Exchange(ref _state, Telling);
            if (!_disposed) Tell();
        }
        while (Interlocked.CompareExchange(ref _state, Idle, Telling) != Telling);
    }

    public void Dispose()
    {
        _disposed = true;
        _pins.Unwatch(_note);
    }

    // Something was refused.
    private void Note()
    {
        if (_disposed || Interlocked.Exchange(ref _state, Pending) != Idle) return;
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private void Tell()
    {
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
}
