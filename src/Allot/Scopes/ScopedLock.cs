// A lock and the scope that belongs to it: whoever takes the lock is in the scope, so nobody can forget it.

namespace Allot;

/// <summary>A lock that carries a scope: code that holds it allocates in that scope.</summary>
/// <remarks>For locks that reclaimers take as well, or that stand for a transaction. A thread can take it again while
/// it holds it; the scope ends when it has left as often. It is as fair as <see cref="Lock"/>, which is inside. While
/// <see cref="AllocationChecks"/> are on, the order of the lock and of reclaim is checked.</remarks>
public sealed class ScopedLock
{
    private const AllocationRestrictions Carried = AllocationRestrictions.NoFs | AllocationRestrictions.NoIo
        | AllocationRestrictions.NoReclaim | AllocationRestrictions.NoPin | AllocationRestrictions.Atomic;

    private readonly Lock _lock = new();
    private readonly LockOrder _order;

    /// <summary>Creates a lock.</summary>
    /// <param name="restrictions">What holds for code inside: any of <c>NoFs</c>, <c>NoIo</c>, <c>NoReclaim</c>,
    /// <c>NoPin</c>, <c>Atomic</c>; or <c>None</c> for a lock that is only checked.</param>
    /// <param name="name">How reports name it.</param>
    /// <exception cref="ArgumentOutOfRangeException">A lock cannot carry one of these.</exception>
    public ScopedLock(AllocationRestrictions restrictions, string name = "unnamed")
    {
        ArgumentNullException.ThrowIfNull(name);
        Validate(restrictions);
        Restrictions = restrictions;
        _order = new LockOrder(name);
    }

    /// <summary>What holds for code inside.</summary>
    public AllocationRestrictions Restrictions { get; }

    /// <summary>Whether the calling thread holds it.</summary>
    public bool IsHeldByCurrentThread => _lock.IsHeldByCurrentThread;

    /// <summary>Waits for the lock, takes it, and enters its scope.</summary>
    /// <returns>Dispose it, on the same thread, to leave both.</returns>
    public Holder Enter()
    {
        if (AllocationChecks.IsEnabled) _order.NoteWanted();
        _lock.Enter();
        return new Holder(this);
    }

    /// <summary>Takes the lock and enters its scope, if that needs no waiting. A reclaimer that takes the lock only so
    /// cannot hang.</summary>
    /// <param name="holder">When true is returned: dispose it to leave both. Otherwise it guards nothing.</param>
    /// <returns>Whether it was taken.</returns>
    public bool TryEnter(out Holder holder)
    {
        bool isTaken = _lock.TryEnter();
        holder = isTaken ? new Holder(this) : default;
        return isTaken;
    }

    internal static void Validate(AllocationRestrictions restrictions)
    {
        if ((restrictions & ~Carried) != 0)
        {
            throw new ArgumentOutOfRangeException(
                nameof(restrictions), restrictions, "A lock carries NoFs, NoIo, NoReclaim, NoPin and Atomic.");
        }
    }

    /// <summary>A lock that is held, and its scope. The default value guards nothing.</summary>
    public ref struct Holder : IDisposable
    {
        private ScopedLock? _held;
        private LockScope _scope;

        internal Holder(ScopedLock held)
        {
            _held = held;
            _scope = new LockScope(held.Restrictions, held._order);
        }

        /// <summary>Leaves the scope, then the lock. Safe to call twice.</summary>
        /// <exception cref="ScopeMisuseException">A scope that was entered later is still open; the lock is still held.
        /// </exception>
        public void Dispose()
        {
            if (_held is not { } held) return;
            bool isLeft = _scope.TryLeave();
            _held = null;
            if (isLeft) held._lock.Exit();
        }
    }
}
