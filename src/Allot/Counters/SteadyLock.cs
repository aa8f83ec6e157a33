namespace Allot;

/// <summary>A lock whose wait Thread.Interrupt does not end: an uncharge never throws, and a charge that stands is
/// never lost. An interrupt that comes meanwhile takes effect at the next wait after the lock was left.</summary>
internal sealed class SteadyLock
{
    private readonly Lock _lock = new();

    public bool IsHeldByCurrentThread => _lock.IsHeldByCurrentThread;

    /// <summary>Enters, also again by its holder. Dispose what is returned to leave.</summary>
    public Scope EnterScope()
    {
        bool wasInterrupted = false;
        while (true)
        {
            try
            {
                _lock.Enter();
                return new Scope(_lock, wasInterrupted);
            }
            catch (ThreadInterruptedException)
            {
                wasInterrupted = true;
            }
        }
    }

    public readonly ref struct Scope(Lock held, bool wasInterrupted)
    {
        public void Dispose()
        {
            held.Exit();
            if (wasInterrupted) Thread.CurrentThread.Interrupt();
        }
    }
}
