// As ScopedLock, for one writer or many readers. Readers are part of the order with reclaim as writers are: one that
// waits for another of its kind is possible as soon as a writer stands between them.

namespace Allot;

/// <summary>A lock for many readers or one writer that carries a scope: code that holds it either way allocates in that
/// scope.</summary>
/// <remarks>A thread that holds it cannot take it again: that throws, as <see cref="ReaderWriterLockSlim"/>, which is
/// inside, does. While <see cref="AllocationChecks"/> are on, the order of the lock and of reclaim is checked.
/// </remarks>
public sealed class ScopedReaderWriterLock : IDisposable
{
    private readonly ReaderWriterLockSlim _lock = new(LockRecursionPolicy.NoRecursion);
    private readonly LockOrder _order;

    /// <summary>Creates a lock.</summary>
    /// <param name="restrictions">As for <see cref="ScopedLock"/>.</param>
    /// <param name="name">How reports name it.</param>
    /// <exception cref="ArgumentOutOfRangeException">A lock cannot carry one of these.</exception>
    public ScopedReaderWriterLock(AllocationRestrictions restrictions, string name = "unnamed")
    {
        ArgumentNullException.ThrowIfNull(name);
        ScopedLock.Validate(restrictions);
        Restrictions = restrictions;
        _order = new LockOrder(name);
    }

    /// <summary>What holds for code inside.</summary>
    public AllocationRestrictions Restrictions { get; }

    /// <summary>Whether the calling thread holds it as a reader.</summary>
    public bool IsReadByCurrentThread => _lock.IsReadLockHeld;

    /// <summary>Whether the calling thread holds it as the writer.</summary>
    public bool IsWrittenByCurrentThread => _lock.IsWriteLockHeld;

    /// <summary>Waits until no writer holds the lock, takes it as a reader, and enters its scope.</summary>
    /// <returns>Dispose it, on the same thread, to leave both.</returns>
    /// <exception cref="LockRecursionException">The calling thread holds the lock.</exception>
    public Holder EnterRead()
    {
        if (AllocationChecks.IsEnabled) _order.NoteWanted();
        _lock.EnterReadLock();
        return new Holder(this, isWriter: false);
    }

    /// <summary>Waits until nobody holds the lock, takes it as the writer, and enters its scope.</summary>
    /// <returns>Dispose it, on the same thread, to leave both.</returns>
    /// <exception cref="LockRecursionException">The calling thread holds the lock.</exception>
    public Holder EnterWrite()
    {
        if (AllocationChecks.IsEnabled) _order.NoteWanted();
        _lock.EnterWriteLock();
        return new Holder(this, isWriter: true);
    }

    /// <summary>Nobody may hold the lock, or wait for it.</summary>
    public void Dispose() => _lock.Dispose();

    /// <summary>A lock that is held, and its scope. The default value guards nothing.</summary>
    public ref struct Holder : IDisposable
    {
        private ScopedReaderWriterLock? _held;
        private LockScope _scope;
        private readonly bool _isWriter;

        internal Holder(ScopedReaderWriterLock held, bool isWriter)
        {
            _held = held;
            _isWriter = isWriter;
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
            if (!isLeft) return;
            if (_isWriter) held._lock.ExitWriteLock();
            else held._lock.ExitReadLock();
        }
    }
}
