// One lock over the limits, for short work that must not wait for long. Long work is done in parts: after each, the
// holder lets those go first who wait. Without that it would take the lock again before they are awake.

using System.Diagnostics;

namespace Allot.Processes.Supervision;

/// <summary>A lock that its holder can lend. Safe from any thread; not to be entered twice by one.</summary>
internal sealed class Gate
{
    private readonly Lock _lock = new();
    private int _waiting;   // in Enter

    public bool IsHeldByCurrentThread => _lock.IsHeldByCurrentThread;

    public bool IsWaitedFor => Volatile.Read(ref _waiting) > 0;

    public bool TryEnter()
    {
        Debug.Assert(!_lock.IsHeldByCurrentThread, "Nobody enters twice.");
        return _lock.TryEnter();
    }

    public void Enter()
    {
        Debug.Assert(!_lock.IsHeldByCurrentThread, "Nobody enters twice.");
        Interlocked.Increment(ref _waiting);
        try
        {
            _lock.Enter();
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);   // also after an interrupt: nobody waits for who has gone
        }
    }

    public void Exit() => _lock.Exit();

    /// <summary>For the holder, where everything it changes is consistent: lets those who wait go first. They may have
    /// changed anything when this returns.</summary>
    public void LetOthersGoFirst()
    {
        Debug.Assert(_lock.IsHeldByCurrentThread, "Only the holder can lend.");
        if (!IsWaitedFor) return;

        // Whoever has counted itself gets in, because nobody else is left: this ends.
        _lock.Exit();
        var wait = new SpinWait();
        while (IsWaitedFor) wait.SpinOnce();
        _lock.Enter();
    }
}
