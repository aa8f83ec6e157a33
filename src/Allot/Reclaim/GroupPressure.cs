namespace Allot;

/// <summary>Reading how much a group suffers from a lack of memory, and being told when it is too much.</summary>
public static class GroupPressure
{
    extension(MemoryGroup group)
    {
        /// <summary>How much of the time charges of the group and its descendants had to wait: for reclaim, for room,
        /// or above the high limit. All zero for a group in which that never happened. May be used from any thread.
        /// </summary>
        /// <remarks>
        /// <para><c>Some</c> is time in which at least one flow waited. <c>Full</c> is time in which at least one
        /// waited and no other was busy: none had charged within the last 10 milliseconds, and no thread held bytes of
        /// the group in advance. So flows that work without charging count as idle.</para>
        /// <para>The pressure of a removed group stays what it was, but for what its last charges waited.</para>
        /// </remarks>
        public MemoryPressure ReadPressure() =>
            group.Policy?.Attachment is ReclaimState { Pressure: { } pressure }
                ? pressure.Read(PressureScope.Now(group))
                : default;

        /// <summary>Calls back when the group has been stalled for too long in too short a time.</summary>
        /// <param name="trigger">How long, within which window.</param>
        /// <param name="callback">Called on a thread of the pool: at most once in each window, and never by two threads
        /// at once. It must not block for long: while it runs, nothing is told. What it throws is written to
        /// <see cref="System.Diagnostics.Trace"/>.</param>
        /// <returns>Dispose it to end. Removal of the group does the same. A call that has begun then may still be
        /// running.</returns>
        /// <remarks>While flows stall, their time is looked at ten times in each window, so a call can be late by a
        /// tenth of the window; while none stalls, nothing runs. Stalls from before do not count. Linux: a trigger
        /// written to <c>memory.pressure</c>; <see cref="PressureTrigger.Parse"/> reads its text.</remarks>
        /// <exception cref="ArgumentOutOfRangeException">The trigger is against the rules.</exception>
        /// <exception cref="InvalidOperationException">The group was removed.</exception>
        public IDisposable WatchPressure(PressureTrigger trigger, Action<PressureAlert> callback)
        {
            ArgumentNullException.ThrowIfNull(callback);
            trigger.Validate(nameof(trigger));
            PressureState state = ReclaimState.FindOrEnsure(group).EnsurePressure(group);
            var watch = new PressureWatch(group, state, trigger, callback);

            // Removal makes the group offline first and closes the state second. One of the two is seen here.
            bool added = state.TryAdd(watch, PressureScope.Now(group));
            if (added && group.State != MemoryGroupState.Offline) return watch;
            watch.Dispose();
            throw new InvalidOperationException($"Cannot watch the pressure of '{group.Path}': it was removed.");
        }
    }
}
