// One charge that has left its group, or one above it, above the high limit: what is reclaimed for it, and how long it
// is delayed.
//
//   1. A pass: each level above its high limit is counted (High) and reclaims what was charged; for a large charge
//      there are several, so that the clock is looked at in between.
//   2. Below all limits now, or the delay is too short: return. What was charged is kept as debt of the group, so that
//      many small charges are delayed like a large one; once it is DebtBytesMax it is forgiven.
//   3. The pass has freed something: another one, for a little.
//   4. Otherwise the charge waits, in slices; it ends early when use has fallen to the limits, when those were raised,
//      or when the group was removed. Nobody who uncharges has to wake it: that would cost each uncharge.
//
// All of it ends at the deadline, MemoryControllerOptions.HighDelayMax after the begin. Then the charge returns like
// any other, and HighDeadlines counts it: a group above its limit is slow and never stuck.

using System.Diagnostics;

namespace Allot;

internal struct ChargeAboveHigh
{
    /// <summary>How long a change goes unnoticed by a charge that waits.</summary>
    public static readonly TimeSpan SliceMax = TimeSpan.FromMilliseconds(20);

    private const long PassBytesMax = 1 << 20;

    private readonly MemoryGroup _group;
    private readonly ReclaimContext _context;
    private readonly long _began;

    // From the moment that Reclaim returns true.
    private MemoryGroup? _worst;
    private TimeSpan _waitUntil;
    private bool _isCutShort;

    public ChargeAboveHigh(MemoryGroup group, ReclaimContext context)
    {
        _group = group;
        _context = context;
        _began = Time.GetTimestamp();
    }

    private readonly TimeProvider Time => _group.Controller.Time;

    private readonly TimeSpan Elapsed => Time.GetElapsedTime(_began);

    private readonly TimeSpan Left => _group.Controller.HighDelayMax - Elapsed;

    /// <summary>Steps 1 to 3.</summary>
    /// <param name="bytes">What was charged.</param>
    /// <param name="waitsForOthers">Whether this thread may wait where another one reclaims.</param>
    /// <returns>Whether it has to wait.</returns>
    public bool ReclaimFirst(long bytes, bool waitsForOthers)
    {
        Debug.Assert(bytes > 0, "Nothing takes nobody above a limit.");
        ReclaimState state = ReclaimState.FindOrEnsure(_group);
        long owed = Math.Min(state.TakeHighDebt() + bytes, MemoryGroup.MaxChargeBytes);
        long missing = bytes;
        long wanted = Math.Min(bytes, PassBytesMax);
        while (true)
        {
            TimeSpan waitMax = waitsForOthers ? Shorter(Left, _group.Controller.ReclaimWaitMax) : TimeSpan.Zero;
            long freed = _group.ReclaimPathAboveHigh(wanted, _context, waitMax);
            TimeSpan delay = LongestDelay(owed);
            if (_worst is null) return false;
            if (delay <= HighFormula.DelayFloor)
            {
                if (owed < HighFormula.DebtBytesMax) state.GiveHighDebt(owed);
                return false;
            }

            TimeSpan left = Left;
            if (freed > 0 && left > TimeSpan.Zero)
            {
                missing = Math.Max(0, missing - freed);
                wanted = Math.Clamp(missing, ReclaimQuantum.BytesMax, PassBytesMax);
                continue;
            }

            _isCutShort = left < delay - HighFormula.DelayFloor;
            _waitUntil = Elapsed + Shorter(left, delay);
            if (left > TimeSpan.Zero) _worst.Count(EventKind.HighDelays);
            return true;
        }
    }

    /// <summary>Step 4.</summary>
    /// <param name="slice">How long to wait before the next call.</param>
    /// <returns>False when the wait is over.</returns>
    public readonly bool TryWaitOn(out TimeSpan slice)
    {
        slice = Shorter(_waitUntil - Elapsed, SliceMax);
        if (slice <= TimeSpan.Zero)
        {
            if (_isCutShort) _worst!.Count(EventKind.HighDeadlines);
            return false;
        }

        // Waits are in whole milliseconds; what is left of one would be no wait at all.
        slice = TimeSpan.FromMilliseconds(Math.Ceiling(slice.TotalMilliseconds));
        return _group.State == MemoryGroupState.Online && IsAboveHigh();
    }

    private static TimeSpan Shorter(TimeSpan a, TimeSpan b) => a < b ? (a < TimeSpan.Zero ? TimeSpan.Zero : a) : b;

    private readonly bool IsAboveHigh()
    {
        for (MemoryGroup? level = _group; level is not null; level = level.Parent)
        {
            if (level.LookAboveHigh()) return true;
        }

        return false;
    }

    // The longest of all levels; _worst is its group, or null when no level is above its limit.
    private TimeSpan LongestDelay(long owedBytes)
    {
        _worst = null;
        TimeSpan longest = TimeSpan.Zero;
        for (MemoryGroup? level = _group; level is not null; level = level.Parent)
        {
            long above = level.Memory.AboveHighBytes;
            if (above == 0) continue;
            TimeSpan delay = HighFormula.Delay(above, level.Memory.HighBytes, owedBytes);
            delay = PolicyQuestions.OverHigh(level, _group, owedBytes, delay);
            if (_worst is not null && delay <= longest) continue;
            _worst = level;
            longest = delay;
        }

        return longest;
    }
}
