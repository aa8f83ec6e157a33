// How long a charge is delayed above the high limit: the formula of Linux, in bytes for pages.
//
//   f      overage / high, where a high limit below a page counts as a page; 20 bits after the point, rounded down
//   delay  f^2 * n seconds, n pages charged; at most DelayMax
//
// The square makes it gentle at first: for 64 pages (256 KiB) it is 6 ms at 1% above the limit, 160 ms at 5%, 640 ms at
// 10%, and 2 s from 18% on. Delays up to DelayFloor are not worth a sleep.

using System.Diagnostics;

namespace Allot;

internal static class HighFormula
{
    private const int FractionBits = 20;
    private const long PageBytes = 4096;

    // From here on a single byte is delayed for longer than DelayMax.
    private const long FractionMax = 1L << 28;

    /// <summary>What Linux charges, and reclaims above the limit, at a time: 64 pages.</summary>
    public const long BatchBytes = 64 * PageBytes;

    /// <summary>Charges that owe less than a sleep are forgiven once they add up to this.</summary>
    public const long DebtBytesMax = BatchBytes;

    public static readonly TimeSpan DelayFloor = TimeSpan.FromMilliseconds(10);

    public static readonly TimeSpan DelayMax = TimeSpan.FromSeconds(2);

    public static TimeSpan Delay(long aboveHighBytes, long highBytes, long chargedBytes)
    {
        Debug.Assert(aboveHighBytes >= 0, "Below the limit nobody asks.");
        Debug.Assert(highBytes >= 0, "A limit is never negative.");
        Debug.Assert(chargedBytes >= 0, "A charge is never negative.");
        Int128 fraction = Int128.Min(
            ((Int128)aboveHighBytes << FractionBits) / Math.Max(highBytes, PageBytes), FractionMax);

        // At most 2^56 * 2^46 * 2^24: it cannot wrap.
        Int128 pages = (Int128)Math.Min(chargedBytes, MemoryGroup.MaxChargeBytes) * TimeSpan.TicksPerSecond;
        Int128 ticks = (fraction * fraction * pages / PageBytes) >> (2 * FractionBits);
        return new TimeSpan((long)Int128.Min(ticks, DelayMax.Ticks));
    }
}
