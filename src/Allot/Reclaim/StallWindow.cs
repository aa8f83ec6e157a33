// The stall time within the last so many seconds, from looks at its total.
//
// Between two looks the stall is taken as even, so the answer is off by at most the stall between the two looks around
// the beginning of the window. Before the first look there was none.

using System.Diagnostics;

namespace Allot;

internal sealed class StallWindow(TimeSpan length)
{
    // In order of time; at most one of them is older than the window.
    private readonly List<(TimeSpan Time, TimeSpan Total)> _looks = [];

    /// <summary>Begins anew: the stall so far does not count.</summary>
    public void Restart(TimeSpan now, TimeSpan total)
    {
        _looks.Clear();
        _looks.Add((now, total));
    }

    /// <summary>The stall within the window that ends now.</summary>
    public TimeSpan Look(TimeSpan now, TimeSpan total)
    {
        Debug.Assert(_looks.Count > 0, "A window begins with a look.");
        Debug.Assert(total >= _looks[^1].Total, "A total does not shrink.");
        if (now > _looks[^1].Time) _looks.Add((now, total));
        TimeSpan begin = now - length;
        int older = _looks.FindLastIndex(look => look.Time <= begin);
        if (older < 0) return total - _looks[0].Total;
        _looks.RemoveRange(0, older);
        (TimeSpan before, TimeSpan totalBefore) = _looks[0];
        (TimeSpan after, TimeSpan totalAfter) = _looks[1];   // now at the latest, and the window is not empty
        return total - (totalBefore + ((totalAfter - totalBefore) * ((begin - before) / (after - before))));
    }
}
