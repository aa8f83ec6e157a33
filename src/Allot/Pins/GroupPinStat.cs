namespace Allot;

/// <summary>Reading what is locked and pinned.</summary>
public static class GroupPinStat
{
    extension(MemoryGroup group)
    {
        /// <summary>What the group and its descendants have locked and pinned, by source, and what is held for the
        /// longest; zero once it was removed. Looks at all pins of the process: for reports.</summary>
        public PinStat ReadPinStat() => new(group);
    }
}
