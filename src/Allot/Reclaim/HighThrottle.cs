// Holding up charges above the high limit: here is who is held up, and how it waits. ChargeAboveHigh.cs says for how
// long.

namespace Allot;

internal static class HighThrottle
{
    extension(MemoryGroup group)
    {
        /// <summary>Reclaims for a charge that stands, and delays it. Does nothing where not
        /// <see cref="MemoryCounter.IsPastHigh"/>.</summary>
        /// <param name="bytes">What was charged.</param>
        /// <param name="context">What the code that charges may do: if it may not block, nothing is done.</param>
        internal void Throttle(long bytes, ReclaimContext context = default)
        {
            if (!group.Memory.IsPastHigh || !IsHeldUp(bytes, context)) return;
            try
            {
                var charge = new ChargeAboveHigh(group, context);
                if (!charge.ReclaimFirst(bytes, waitsForOthers: true)) return;
                using PressureScope stalled = PressureScope.Enter(group);
                while (charge.TryWaitOn(out TimeSpan slice)) TimedWait.For(slice, group.Controller.Time);
            }
            catch (ThreadInterruptedException)
            {
                // The charge stands, so it must not look refused: the next wait of the caller is interrupted instead.
                Thread.CurrentThread.Interrupt();
            }
        }

        /// <summary>Delays a charge that stands by what a policy wants.</summary>
        internal void DelayFor(TimeSpan delay, ReclaimContext context)
        {
            if (!IsHeldUp(bytes: 1, context)) return;
            try
            {
                using PressureScope stalled = PressureScope.Enter(group);
                TimedWait.For(delay, group.Controller.Time);
            }
            catch (ThreadInterruptedException)
            {
                Thread.CurrentThread.Interrupt();
            }
        }

        /// <summary>Throttle for a charge that is awaited: reclaimers run on this thread, and then it waits without
        /// one.</summary>
        /// <param name="bytes">What was charged.</param>
        /// <param name="context">What the code that charges may do: if it may not block, nothing is done.</param>
        /// <param name="cancellationToken">Ends the delay. The charge stands, so nothing is thrown.</param>
        internal ValueTask ThrottleAsync(
            long bytes, ReclaimContext context = default, CancellationToken cancellationToken = default)
        {
            if (!group.Memory.IsPastHigh || !IsHeldUp(bytes, context)) return ValueTask.CompletedTask;
            try
            {
                var charge = new ChargeAboveHigh(group, context);
                return charge.ReclaimFirst(bytes, waitsForOthers: false)
                    ? group.DelayAsync(charge, cancellationToken)
                    : ValueTask.CompletedTask;
            }
            catch (ThreadInterruptedException)
            {
                Thread.CurrentThread.Interrupt();
                return ValueTask.CompletedTask;
            }
        }

        private async ValueTask DelayAsync(ChargeAboveHigh charge, CancellationToken cancellationToken)
        {
            try
            {
                using PressureScope stalled = PressureScope.Enter(group);
                while (!cancellationToken.IsCancellationRequested && charge.TryWaitOn(out TimeSpan slice))
                {
                    await Task.Delay(slice, group.Controller.Time, cancellationToken)
                        .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }
            }
            catch (ThreadInterruptedException)
            {
                Thread.CurrentThread.Interrupt();
            }
        }
    }

    private static bool IsHeldUp(long bytes, ReclaimContext context) =>
        bytes > 0 && (context.Forbidden & ReclaimNeeds.Blocking) == 0 && !ReclaimScope.IsReclaiming;
}
