// A lock for asynchronous code, and the scope that belongs to it. An async method cannot enter a flowing scope for its
// caller. What can is GetResult of an awaiter: it runs inside of the caller's own method, after the wait. So EnterAsync
// returns an awaitable that enters the scope there, once it has the lock.

using System.Runtime.CompilerServices;

namespace Allot;

/// <summary>A lock that is held across <c>await</c> and carries a scope: code that holds it, and what that code starts,
/// allocates in that scope.</summary>
/// <remarks>Who holds it cannot take it again: that waits for ever. The order of this lock and of reclaim is not
/// checked: a reclaimer, which does not await, has no business with it.</remarks>
public sealed class AsyncScopedLock : IDisposable
{
    private const AllocationRestrictions Carried = AllocationRestrictions.NoFs | AllocationRestrictions.NoIo
        | AllocationRestrictions.NoReclaim | AllocationRestrictions.NoPin;

    private readonly SemaphoreSlim _lock = new(1, 1);

    /// <summary>Creates a lock.</summary>
    /// <param name="restrictions">What holds for code inside: any of <c>NoFs</c>, <c>NoIo</c>, <c>NoReclaim</c> and
    /// <c>NoPin</c>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A lock that is held across <c>await</c> cannot carry one of these.
    /// </exception>
    public AsyncScopedLock(AllocationRestrictions restrictions)
    {
        if ((restrictions & ~Carried) != 0)
        {
            throw new ArgumentOutOfRangeException(
                nameof(restrictions), restrictions, "This lock carries NoFs, NoIo, NoReclaim and NoPin.");
        }

        Restrictions = restrictions;
    }

    /// <summary>What holds for code inside.</summary>
    public AllocationRestrictions Restrictions { get; }

    /// <summary>Whether anybody holds it.</summary>
    public bool IsHeld => _lock.CurrentCount == 0;

    /// <summary>Waits for the lock. Who awaits this, directly and once, holds it and is in its scope.</summary>
    /// <param name="token">Ends the wait: the <c>await</c> then throws, and the lock is not taken.</param>
    public Entering EnterAsync(CancellationToken token = default) =>
        new(new Holder(this), _lock.WaitAsync(token), continueOnCapturedContext: true);

    /// <summary>Nobody may hold the lock, or wait for it.</summary>
    public void Dispose() => _lock.Dispose();

    /// <summary>A wait for the lock, to be awaited once.</summary>
    public readonly struct Entering : ICriticalNotifyCompletion
    {
        private readonly Holder _holder;
        private readonly Task _taken;
        private readonly ConfiguredTaskAwaitable.ConfiguredTaskAwaiter _awaiter;

        internal Entering(Holder holder, Task taken, bool continueOnCapturedContext)
        {
            _holder = holder;
            _taken = taken;
            _awaiter = taken.ConfigureAwait(continueOnCapturedContext).GetAwaiter();
        }

        /// <summary>Whether the wait is over.</summary>
        public bool IsCompleted => _awaiter.IsCompleted;

        /// <summary>For <c>await</c>.</summary>
        public Entering GetAwaiter() => this;

        /// <summary>As for a task.</summary>
        /// <param name="continueOnCapturedContext">Whether to go on where the caller was.</param>
        public Entering ConfigureAwait(bool continueOnCapturedContext) =>
            new(_holder, _taken, continueOnCapturedContext);

        /// <summary>For <c>await</c>: enters the scope in the calling method.</summary>
        /// <returns>Dispose it in the same method to leave the scope and the lock.</returns>
        /// <exception cref="OperationCanceledException">The token has ended the wait.</exception>
        /// <exception cref="InvalidOperationException">It was awaited before: that has the lock, or had it.</exception>
        public Holder GetResult()
        {
            _awaiter.GetResult();
            _holder.Enter();
            return _holder;
        }

        /// <inheritdoc/>
        public void OnCompleted(Action continuation) => _awaiter.OnCompleted(continuation);

        /// <inheritdoc/>
        public void UnsafeOnCompleted(Action continuation) => _awaiter.UnsafeOnCompleted(continuation);
    }

    /// <summary>A lock that is held, and its scope.</summary>
    public sealed class Holder : IDisposable
    {
        private readonly AsyncScopedLock _lock;
        private FlowingScope? _scope;
        private int _isEntered;
        private int _isHeld;

        internal Holder(AsyncScopedLock held) => _lock = held;

        /// <summary>Leaves the scope, then the lock. Safe to call twice in the method that has awaited the lock.
        /// </summary>
        /// <remarks>A task or an async method that was started inside can give the lock back too, as it can leave a
        /// <see cref="FlowingScope"/>: neither it nor the lock can tell. The scope then still holds in the method that
        /// has awaited the lock; that this was wrong is found when that method disposes the holder.</remarks>
        /// <exception cref="ScopeMisuseException">A scope that was entered later is still open in this flow, or the
        /// scope of the lock does not hold in it: nothing has changed, and the lock is still held. Or a task or a
        /// method that was started inside has given the lock back before: the scope is left here now.</exception>
        public void Dispose()
        {
            _scope?.Dispose();   // also where somebody else has given the lock back
            if (Interlocked.Exchange(ref _isHeld, 0) != 0) _lock._lock.Release();
        }

        /// <summary>The lock was taken.</summary>
        internal void Enter()
        {
            if (Interlocked.Exchange(ref _isEntered, 1) != 0)
            {
                throw new InvalidOperationException("A wait for a lock can be awaited once: call EnterAsync again.");
            }

            try
            {
                Keep(FlowingScope.Enter(_lock.Restrictions));
            }
            catch
            {
                _lock._lock.Release();   // no memory for the scope
                throw;
            }
        }

        // In this object, which is what the method that awaits has to dispose.
        private void Keep(FlowingScope scope)
        {
            _scope = scope;
            _isHeld = 1;
        }
    }
}
