namespace Allot;

/// <summary>Finds pins that are held for too long, or were never released.</summary>
public static class PinFinder
{
    /// <summary>Whether it is recorded where in the program accounts begin to hold something. Costs a stack trace each
    /// time. Default: false.</summary>
    public static bool RecordsPlaces
    {
        get => PinRegistry.RecordsPlaces;
        set => PinRegistry.RecordsPlaces = value;
    }

    extension(MemoryGroup group)
    {
        /// <summary>What the group and its descendants hold locked or pinned, the oldest first.</summary>
        /// <param name="olderThan">How long it is held at least.</param>
        /// <remarks>What a removed group still holds is found below its heir. Not of one instant. Looks at all pins of
        /// the process: for reports. Pins that are charged by hand (<c>TryPin</c> of the group) have no owner and are
        /// not found.</remarks>
        public IReadOnlyList<PinReport> FindPins(TimeSpan olderThan = default) =>
        [
            .. PinRegistry.SnapshotBelow(group)
                .Select(PinReport.Of)
                .Where(report => report.Bytes > 0 && report.Age >= olderThan)
                .OrderByDescending(report => report.Age),
        ];
    }
}
