namespace Allot;

/// <summary>A lock whose wait Thread.Interrupt does not end: an uncharge never throws, and a charge that stands is
/// never lost. An interrupt that comes meanwhile takes effect at the next wait after the lock was left.</summary>
/// <remarks>It is the object's own monitor, as fast as <see cref="Lock"/>. Who waits for one of those for the first
/// time allocates on the managed heap, and here nobody does (a program compiled ahead of time may).</remarks>
internal sealed class SteadyLock
{
    public bool IsHeldByCurrentThread => Monitor.IsEntered(this);

    /// <summary>Enters, also again by its holder. Dispose what is returned to leave.</summary>
    public Scope EnterScope()
    {
        bool wasInterrupted = false;
        while (true)
        {
            try
            {
                Monitor.Enter(this);
                return new Scope(this, wasInterrupted);
            }
            catch (ThreadInterruptedException)
            {
                wasInterrupted = true;
            }
        }
    }

    public readonly ref struct Scope(SteadyLock held, bool wasInterrupted)
    {
        public void Dispose()
        {
            Monitor.Exit(held);
            if (wasInterrupted) Thread.CurrentThread.Interrupt();
        }
    }
}
