namespace Allot;

/// <summary>The soft limit of a group.</summary>
/// <remarks>All members may be used from any thread and at any time.</remarks>
public static class GroupHigh
{
    extension(MemoryGroup group)
    {
        /// <summary>The soft limit in bytes; <see cref="MemoryGroup.Unlimited"/> for none. Default: none.</summary>
        /// <remarks>A <c>Charge</c> to the group, or to one below it, that leaves the group above this asks its
        /// reclaimers, and is then delayed, the longer the further above it is; it is never refused. Setting it does
        /// not wait for reclaim: what is in use already is acted on by the next charge, or by
        /// <c>SetHighAsync</c>.</remarks>
        /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
        public long HighBytes
        {
            get => group.Memory.HighBytes;
            set
            {
                ArgumentOutOfRangeException.ThrowIfNegative(value);
                if (value != group.HighBytes) group.Controller.Reserves.SetHigh(group.Memory, value);
            }
        }

        /// <summary>Sets <c>HighBytes</c>, at once, and then lets the reclaimers of the group and below bring its use
        /// down to it, on a thread of the pool.</summary>
        /// <param name="highBytes">The limit in bytes; <see cref="MemoryGroup.Unlimited"/> for none.</param>
        /// <param name="cancellationToken">Ends the reclaim; the limit stays set.</param>
        /// <returns>A task that ends, successfully, when use is no more than the limit, when 16 rounds in a row have
        /// freed nothing, when the limit is set again or the group removed. Its result is how many bytes were reclaimed
        /// here meanwhile, by whomever.</returns>
        /// <remarks>Linux reclaims inside of the write to <c>memory.high</c>, which can take long and holds up the
        /// removal of the group. Here nothing waits for it but who awaits the task.</remarks>
        /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
        /// <exception cref="OperationCanceledException">The task was canceled.</exception>
        public Task<long> SetHighAsync(long highBytes, CancellationToken cancellationToken = default)
        {
            group.HighBytes = highBytes;
            if (group.Memory.AboveHighBytes == 0) return Task.FromResult(0L);
            return Task.Run(() => group.ReclaimUntilHigh(highBytes, cancellationToken), cancellationToken);
        }
    }
}
