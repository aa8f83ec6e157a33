// Stall time as a total and as averages over 10, 60 and 300 seconds: those of Linux' pressure stall information.
//
// Time is cut into periods of 2 seconds. At the end of each, the part of it that was stalled, in percent, is folded
// into every average: avg = avg * e + part * (1 - e) with e = exp(-2 s / window). Linux does so by a timer. Here it is
// done when somebody comes by: between two visits the state does not change, so the periods between them are all alike,
// and k of them are one fold with e^k.

using System.Diagnostics;

namespace Allot;

internal struct StallAverages
{
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(2);

    // Of the present period: 0 <= _stalledTicks <= _passedTicks < Period.
    private long _passedTicks;
    private long _stalledTicks;

    /// <summary>All stalled time so far.</summary>
    public TimeSpan Total { get; private set; }

    /// <summary>In percent, as of the end of the last period.</summary>
    public double Avg10 { get; private set; }

    public double Avg60 { get; private set; }

    public double Avg300 { get; private set; }

    /// <summary>Lets time pass.</summary>
    /// <param name="elapsed">0 or more.</param>
    /// <param name="isStalled">Whether it was stalled, all of it.</param>
    public void Advance(TimeSpan elapsed, bool isStalled)
    {
        Debug.Assert(elapsed >= TimeSpan.Zero, "Time does not run backwards.");
        if (isStalled) Total += elapsed;
        long ticks = elapsed.Ticks;
        long untilEnd = Period.Ticks - _passedTicks;
        if (ticks >= untilEnd)
        {
            Fold((double)(_stalledTicks + (isStalled ? untilEnd : 0)) / Period.Ticks, periods: 1);
            (long whole, ticks) = Math.DivRem(ticks - untilEnd, Period.Ticks);
            Fold(isStalled ? 1 : 0, whole);
            _passedTicks = _stalledTicks = 0;
        }

        _passedTicks += ticks;
        if (isStalled) _stalledTicks += ticks;
        Debug.Assert(_stalledTicks <= _passedTicks, "No more is stalled than has passed.");
        Debug.Assert(_passedTicks < Period.Ticks, "A period that has ended is folded.");
    }

    private static double Fold(double average, double part, double periodsPerWindow)
    {
        double decay = Math.Exp(-periodsPerWindow);
        return (average * decay) + (100 * part * (1 - decay));
    }

    private void Fold(double part, long periods)
    {
        if (periods == 0) return;
        double seconds = periods * Period.TotalSeconds;
        Avg10 = Fold(Avg10, part, seconds / 10);
        Avg60 = Fold(Avg60, part, seconds / 60);
        Avg300 = Fold(Avg300, part, seconds / 300);
    }
}
