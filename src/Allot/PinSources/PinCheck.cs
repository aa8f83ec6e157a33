// Are the accounts right? What is locked and pinned here is compared with what the kernel says of the whole process.
// Where they differ, smaps tells what is locked by others, and what is no longer locked although it is charged.

namespace Allot;

/// <summary>Compares what is charged here with what the kernel has locked and pinned for this process.</summary>
public static class PinCheck
{
    private const int AttemptsMax = 10, RangesNamed = 3;

    /// <summary>Whether the system tells: Linux.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux();

    /// <summary>Compares now. Takes a millisecond; where the figures differ, more in a process of many gigabytes.
    /// </summary>
    /// <remarks>While other threads lock and unlock, a difference can be one of the moment.</remarks>
    /// <exception cref="PlatformNotSupportedException">The system does not tell: see
    /// <see cref="IsSupported"/>.</exception>
    public static PinCheckResult Run()
    {
        if (!IsSupported) throw new PlatformNotSupportedException("Only Linux tells what is locked and pinned.");
        for (int attempt = 1; ; attempt++)
        {
            (long Locked, long Pinned) ours = (LockedPages.OfProcess.Bytes, KernelPinned.OfProcess.Bytes);
            (long locked, long pinned) = ProcessMemory.ReadHeld();
            bool isOneMoment = ours == (LockedPages.OfProcess.Bytes, KernelPinned.OfProcess.Bytes);
            if (!isOneMoment && attempt < AttemptsMax) continue;
            return new PinCheckResult
            {
                LockedBytes = ours.Locked,
                KernelLockedBytes = locked,
                PinnedBytes = ours.Pinned,
                KernelPinnedBytes = pinned,
                Causes =
                [
                    .. locked == ours.Locked ? [] : FindLockCauses(),
                    .. pinned == ours.Pinned ? (string[])[] : [ExplainPins(pinned - ours.Pinned)],
                ],
            };
        }
    }

    private static IEnumerable<string> FindLockCauses()
    {
        List<PageRange> ours = LockedPages.OfProcess.Ranges(), kernels = ProcessMemory.ReadLockedRanges();
        List<PageRange> foreign = RangeSets.Subtract(kernels, ours), lost = RangeSets.Subtract(ours, kernels);
        if (foreign.Count > 0)
        {
            yield return $"{Describe(foreign)} locked, and not through Allot: a library that calls mlock or mlockall, "
                + "or mappings with MAP_LOCKED. They are charged to no group.";
        }

        if (lost.Count > 0)
        {
            yield return $"{Describe(lost)} charged, and locked no longer: unmapped or unlocked without Allot. "
                + "Unlock them before they are given back.";
        }

        if (foreign.Count == 0 && lost.Count == 0)
        {
            yield return "It was locked or unlocked while it was looked at.";
        }
    }

    private static string ExplainPins(long moreBytes) => moreBytes > 0
        ? $"{moreBytes} bytes more are pinned than is charged: by others in the process, or buffers in huge pages, of "
            + "which the kernel counts the whole."
        : $"{-moreBytes} bytes are charged and pinned no longer: the ring or the device has been closed without Allot, "
            + "or two buffers share a huge page, which the kernel counts once.";

    private static string Describe(List<PageRange> ranges)
    {
        IEnumerable<string> largest = ranges.OrderByDescending(range => range.Bytes).Take(RangesNamed)
            .Select(range => $"0x{(ulong)range.Start:x}-0x{(ulong)range.End:x}");
        string more = ranges.Count > RangesNamed ? $" and {ranges.Count - RangesNamed} more" : "";
        return $"{ranges.Sum(range => range.Bytes)} bytes ({string.Join(", ", largest)}{more}) are";
    }
}
