namespace Allot;

internal sealed unsafe partial class SlabAllocator
{
    private static readonly TimeSpan s_trimPeriod = TimeSpan.FromSeconds(1);

    private ITimer? _timer;

    /// <summary>From here on, what lies idle for a whole period is given back.</summary>
    public void StartTrimming(TimeProvider time)
    {
        _timer = QuietTimer.Create(time, static state => ((SlabAllocator)state!).Trim(all: false), this);
        _timer.Change(s_trimPeriod, s_trimPeriod);
    }
}
