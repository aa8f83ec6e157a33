// Protection of a group, as its members. A group that has none keeps no state for it.

namespace Allot;

/// <summary>Protecting a group's memory from being reclaimed.</summary>
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
        /// <exception cref="ArgumentOutOfRangeException">The value is negative or above the group's own limit;
        /// nothing has changed.</exception>
        public long MinBytes
        {
            get => group.Policy?.MinBytes ?? 0;
            set => ProtectionBound.Protect(
                group, nameof(MemoryGroupOptions.MinBytes), value, static (policy, bytes) => policy.MinBytes = bytes);
        }

        /// <summary>Memory in bytes that is reclaimed from the group, while it uses no more than this, only if nothing
        /// else could be. Default: 0.</summary>
        /// <remarks>Then it is counted in <see cref="MemoryEvents.Low"/>. On a removed group it is 0, and setting it
        /// does nothing.</remarks>
        /// <exception cref="ArgumentOutOfRangeException">The value is negative or above the group's own limit;
        /// nothing has changed.</exception>
        public long LowBytes
        {
            get => group.Policy?.LowBytes ?? 0;
            set => ProtectionBound.Protect(
                group, nameof(MemoryGroupOptions.LowBytes), value, static (policy, bytes) => policy.LowBytes = bytes);
        }
    }
}
