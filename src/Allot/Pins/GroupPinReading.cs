namespace Allot;

/// <summary>Reading what is locked and pinned, and being told of refusals.</summary>
public static class GroupPinReading
{
    extension(MemoryGroup group)
    {
        /// <summary>What the group and its descendants have locked and pinned, by source, and what is held for the
        /// longest; zero once it was removed. Looks at all pins of the process: for reports.</summary>
        public PinStat ReadPinStat() => new(group);

        /// <summary>Tells when pins of the group or its descendants were refused by a limit there: once for a burst of
        /// refusals. What has happened is in the group's events.</summary>
        /// <param name="callback">Called on a thread of the pool, with the group. What it throws is contained.</param>
        /// <returns>Dispose it to end the calls; one that has begun then may still be running.</returns>
        public IDisposable WatchPins(Action<MemoryGroup> callback)
        {
            ArgumentNullException.ThrowIfNull(callback);
            return new PinWatch(group, callback);
        }
    }
}
