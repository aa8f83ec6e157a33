namespace Allot;

/// <summary>Reading how much a group suffers from a lack of memory.</summary>
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
    }
}
