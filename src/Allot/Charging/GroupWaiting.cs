// Charging that waits for room. The lines are in Counters/TreeWaiting.cs; here is what a waiting charge does besides:
// it reclaims before it waits and, as caches fill up again meanwhile, from time to time while it waits.

namespace Allot;

/// <summary>Charging that waits for room.</summary>
/// <remarks>While <see cref="AllocationChecks"/> are on, it throws <see cref="AllocationDeniedException"/> where the
/// context denies allocations.</remarks>
public static class GroupWaiting
{
    // How long a charge waits before it looks again for something to reclaim.
    private static readonly TimeSpan s_reclaimPeriod = TimeSpan.FromSeconds(1);

    extension(MemoryGroup group)
    {
        /// <summary>Charges the group and all its ancestors as soon as there is room.</summary>
        /// <param name="kind">Whether the memory is the tenant's or the host's on its behalf.</param>
        /// <param name="bytes">0 to <see cref="MemoryGroup.MaxChargeBytes"/>.</param>
        /// <param name="cancellationToken">Ends the wait. A charge that has succeeded by then stands.</param>
        /// <returns>A task that completes when the bytes are charged: at once, and without allocating, if they fit
        /// below all limits.</returns>
        /// <remarks>
        /// <para>Reclaims first, on the calling thread, as <c>Charge</c> does; and again from time to time. It never
        /// asks the out-of-memory policy: it waits.</para>
        /// <para>Who waits at a limit is served in the order of arrival, a large request before a small one that came
        /// later. Charges that do not wait may pass a waiting one by as many bytes as it waits for; from then on they
        /// are refused with <see cref="RefusalReason.RoomPromised"/> until it has been served.</para>
        /// <para>A charge that leaves a group above its high limit is delayed as in <c>Charge</c>; cancelling ends the
        /// delay, and the charge stands.</para>
        /// <para>Where the scopes of the caller permit no waiting (<c>Atomic</c>, <c>NoReclaim</c>,
        /// <c>NoThrowOnLimit</c>) the task is completed when it is returned: charged, or failed as <c>Charge</c>
        /// fails. What reclaims while it waits goes by the scopes that the call was made in.</para>
        /// <para>Who waits while holding what others wait for waits for ever: charge what an operation needs in one
        /// piece, or pass a token with a deadline.</para>
        /// </remarks>
        /// <exception cref="MemoryLimitExceededException">The request is larger than a limit above it, also one that
        /// was lowered meanwhile; or the group was removed or killed. Nothing is charged.</exception>
        /// <exception cref="OperationCanceledException">The token has fired; nothing is charged.</exception>
        /// <exception cref="ArgumentOutOfRangeException">The amount is negative or larger than the largest charge, or
        /// the kind is unknown.</exception>
        public ValueTask ChargeAsync(MemoryKind kind, long bytes, CancellationToken cancellationToken = default)
        {
            GroupCharging.ValidateAmount(bytes);
            GroupCharging.ValidateKind(kind);
            if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled(cancellationToken);
            if (ThreadContext.Intercepts && GroupCharging.IsUncounted(group, AllocationFlags.Kernel))
            {
                return ValueTask.CompletedTask;
            }

            var effort = ChargeEffort.Of(AllocationFlags.Kernel);
            bool mayWait = effort.MayReclaim && effort.MayFail;
            ChargeRefusal refusal = default;
            bool isCounted = group.Counts(kind);
            if (!isCounted && group.TryCharge(kind, bytes, out refusal)) return ValueTask.CompletedTask;
            bool mustStandInLine = isCounted && bytes > 0 && mayWait && group.CounterOf(kind).IsBehindLine;
            if (isCounted && !mustStandInLine)
            {
                if (ThreadReserves.TrySpend(group.CounterOf(kind), bytes)) return ValueTask.CompletedTask;
                if (group.TryChargeTree(kind, bytes, out refusal))
                {
                    return group.SlowDownAsync(kind, bytes, effort, cancellationToken);
                }
            }

            return mayWait
                ? new ValueTask(group.ChargeWhenThereIsRoomAndThrottle(kind, bytes, refusal, effort, cancellationToken))
                : group.ChargeWithoutWaiting(kind, bytes, refusal, effort);
        }

        private ValueTask SlowDownAsync(
            MemoryKind kind, long bytes, ChargeEffort effort, CancellationToken cancellationToken)
        {
            if (!group.Memory.NeedsLook) return ValueTask.CompletedTask;
            if (!effort.MayReclaim)
            {
                group.SlowDown(kind, bytes, effort);   // calls nobody that the scope forbids, and waits for nothing
                return ValueTask.CompletedTask;
            }

            TimeSpan delay = PolicyQuestions.Charged(group, kind, bytes);
            ValueTask throttled = group.ThrottleAsync(bytes, effort.ReclaimContext, cancellationToken);
            return delay > TimeSpan.Zero ? group.DelayAfterAsync(throttled, delay, cancellationToken) : throttled;
        }

        private async ValueTask DelayAfterAsync(
            ValueTask throttled, TimeSpan delay, CancellationToken cancellationToken)
        {
            await throttled.ConfigureAwait(false);
            using PressureScope stalled = PressureScope.Enter(group);
            await Task.Delay(delay, group.Controller.Time, cancellationToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        // Where the context does not let it wait: completed when it returns, one way or the other.
        private ValueTask ChargeWithoutWaiting(MemoryKind kind, long bytes, ChargeRefusal refusal, ChargeEffort effort)
        {
            try
            {
                if (!group.TryChargeAfterReclaim(kind, bytes, ref refusal, effort))
                {
                    group.ChargePastLimit(kind, bytes, refusal, effort);
                }
                else if (group.Memory.NeedsLook)
                {
                    group.LookAfterCharge(kind, bytes);
                }

                return ValueTask.CompletedTask;
            }
            catch (MemoryLimitExceededException refused)
            {
                return ValueTask.FromException(refused);
            }
        }

        private async Task ChargeWhenThereIsRoomAndThrottle(
            MemoryKind kind,
            long bytes,
            ChargeRefusal refusal,
            ChargeEffort effort,
            CancellationToken cancellationToken)
        {
            await group.ChargeWhenThereIsRoom(kind, bytes, refusal, effort, cancellationToken).ConfigureAwait(false);
            await group.SlowDownAsync(kind, bytes, effort, cancellationToken).ConfigureAwait(false);
        }

        private async Task ChargeWhenThereIsRoom(
            MemoryKind kind,
            long bytes,
            ChargeRefusal refusal,
            ChargeEffort effort,
            CancellationToken cancellationToken)
        {
            bool wasRefused = refusal.Reason != RefusalReason.None;
            if (wasRefused)
            {
                if (group.TryChargeAfterReclaim(kind, bytes, ref refusal, effort)) return;
                bool isHopeless = refusal.Limiter is null || bytes > refusal.MaxBytes;
                if (isHopeless) throw new MemoryLimitExceededException(refusal);
            }

            using PressureScope stalled = PressureScope.Enter(group);
            TreeWaiting waiting = group.Controller.Reserves.Waiting;
            var waiter = new ChargeWaiter(group.CounterOf(kind), bytes);
            group.Controller.Reserves.StandInLine(waiter, refusal.Limiter?.Counter(refusal.Counter));
            await using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
                (_, token) =>
                {
                    if (waiting.Leave(waiter)) waiter.Cancel(token);
                },
                null);

            try
            {
                while (!await EndsWithin(waiter.Done, s_reclaimPeriod, group.Controller.Time).ConfigureAwait(false))
                {
                    // Only the first, so that those who wait do not hold a thread of the pool each.
                    if (waiter.WaitsAt is not { } limiter || !waiting.IsFirst(waiter)) continue;
                    var owner = (MemoryGroup)limiter.Owner!;
                    bool kernelOnly = limiter.Kind == CounterKind.Kernel;
                    owner.ReclaimForCharge(bytes, effort.ReclaimContext with { KernelOnly = kernelOnly });
                }
            }
            catch
            {
                // Nobody waits any more: what it got meanwhile goes back.
                if (!waiting.Leave(waiter))
                {
                    // Whoever has taken it out of the line is about to tell.
                    await ((Task)waiter.Done).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    bool isCharged = waiter.Done is { IsCompletedSuccessfully: true, Result: WaitOutcome.Charged };
                    if (isCharged) group.Uncharge(kind, bytes);
                }

                throw;
            }

            if (await waiter.Done.ConfigureAwait(false) == WaitOutcome.Charged)
            {
                ReclaimScope.NoteCharged(group, kind, bytes);   // served at once, it still is the same thread
                return;
            }

            throw new MemoryLimitExceededException(waiter.Limiter is { } tooLow
                ? group.Refuse(tooLow, bytes)
                : group.RefuseEnded(kind, bytes));
        }
    }

    private static async Task<bool> EndsWithin(Task task, TimeSpan period, TimeProvider time)
    {
        using var noLonger = new CancellationTokenSource();
        Task first = await Task.WhenAny(task, Task.Delay(period, time, noLonger.Token)).ConfigureAwait(false);
        await noLonger.CancelAsync().ConfigureAwait(false);
        return first == task;
    }
}
