// Protection and the soft limit of a group, as its members. A group that has none keeps no state for them.

namespace Allot;

/// <summary>Protecting a group's memory from being reclaimed, and its soft limit.</summary>
/// <remarks>All members may be used from any thread and at any time. Protection is about
/// <see cref="MemoryGroup.Memory"/>, descendants included. It holds as far as the groups above are protected
/// themselves.</remarks>
public static class GroupProtection
{
    extension(MemoryGroup group)
    {
        /// <summary>Memory in bytes that is never reclaimed from the group while it uses no more than this. Default:
        /// 0.</summary>
        /// <remarks>A limit that is met above is then refused rather than this memory reclaimed. On a removed group it
        /// is 0, and setting it does nothing.</remarks>
        /// <exception cref="ArgumentOutOfRangeException">The value is negative or above the group's own limit.
        /// </exception>
        public long MinBytes
        {
            get => group.Policy?.MinBytes ?? 0;
            set
            {
                GroupPolicy.ValidateProtection(value, group.Memory.MaxBytes, nameof(MemoryGroupOptions.MinBytes));
                if (group.State == MemoryGroupState.Offline || value == group.MinBytes) return;
                group.EnsurePolicy().MinBytes = value;
            }
        }

        /// <summary>Memory in bytes that is reclaimed from the group, while it uses no more than this, only if nothing
        /// else could be. Default: 0.</summary>
        /// <remarks>Then it is counted in <see cref="MemoryEvents.Low"/>. On a removed group it is 0, and setting it
        /// does nothing.</remarks>
        /// <exception cref="ArgumentOutOfRangeException">The value is negative or above the group's own limit.
        /// </exception>
        public long LowBytes
        {
            get => group.Policy?.LowBytes ?? 0;
            set
            {
                GroupPolicy.ValidateProtection(value, group.Memory.MaxBytes, nameof(MemoryGroupOptions.LowBytes));
                if (group.State == MemoryGroupState.Offline || value == group.LowBytes) return;
                group.EnsurePolicy().LowBytes = value;
            }
        }

        /// <summary>The soft limit in bytes; <see cref="MemoryGroup.Unlimited"/> for none. Default: none.</summary>
        /// <remarks>A <c>Charge</c> to the group, or to one below it, that leaves the group above this asks its
        /// reclaimers, and is then delayed, the longer the further above it is; it is never refused. Setting it does
        /// not wait for reclaim: what is in use already is acted on by the next charge, or by <see cref="GroupHigh"/>.
        /// </remarks>
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
    }
}
