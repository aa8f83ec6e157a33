// One waits, any number of others wake it.
//
// Protocol. Who waits puts its source into _waiter, and then looks once more; who wakes has made visible what is waited
// for, and then takes the source out. Both have a full fence in between (CompareExchange here; Exchange in the ring),
// so one of them sees the other. What nobody waits for is not remembered.

namespace Allot.Maps;

/// <summary>Wakes the one who waits for something.</summary>
internal sealed class RingSignal
{
    private TaskCompletionSource<bool>? _waiter;

    /// <summary>Waits until woken, unless what is waited for is there.</summary>
    /// <param name="isThere">Looks for it.</param>
    /// <param name="isOver">Whether there is nothing more to wait for.</param>
    /// <param name="token">Ends the wait.</param>
    /// <returns>True when it is there, or was woken for it; false when it is over.</returns>
    /// <exception cref="InvalidOperationException">Somebody waits already.</exception>
    public ValueTask<bool> WaitAsync(Func<bool> isThere, Func<bool> isOver, CancellationToken token)
    {
        if (isThere()) return new ValueTask<bool>(true);
        if (isOver()) return new ValueTask<bool>(false);
        if (token.IsCancellationRequested) return ValueTask.FromCanceled<bool>(token);
        var source = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (Interlocked.CompareExchange(ref _waiter, source, null) is not null)
        {
            throw new InvalidOperationException("Only one waits at a time.");
        }

        if (isThere()) Wake();
        else if (isOver()) Wake(goesOn: false);
        return token.CanBeCanceled ? new ValueTask<bool>(WaitAsync(source, token)) : new ValueTask<bool>(source.Task);
    }

    /// <summary>Wakes who waits, if there is anyone.</summary>
    /// <param name="goesOn">False when there will be nothing more to wait for.</param>
    public void Wake(bool goesOn = true)
    {
        if (Volatile.Read(ref _waiter) is not null) Interlocked.Exchange(ref _waiter, null)?.TrySetResult(goesOn);
    }

    private async Task<bool> WaitAsync(TaskCompletionSource<bool> source, CancellationToken token)
    {
        using CancellationTokenRegistration registration = token.UnsafeRegister(
            static (state, cancelled) =>
            {
                var (signal, waiter) = ((RingSignal, TaskCompletionSource<bool>))state!;
                Interlocked.CompareExchange(ref signal._waiter, null, waiter);
                waiter.TrySetCanceled(cancelled);
            },
            (this, source));
        return await source.Task.ConfigureAwait(false);
    }
}
