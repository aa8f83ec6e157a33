namespace Allot;

/// <summary>Since when something is held: by the clock of its tree, but where that is the system's, by the coarse one,
/// which costs a third of it. What is looked for is held for seconds.</summary>
internal static class PinClock
{
    public static long Now(TimeProvider time) =>
        time == TimeProvider.System ? Environment.TickCount64 : time.GetTimestamp();

    public static TimeSpan Elapsed(TimeProvider time, long since) => time == TimeProvider.System
        ? TimeSpan.FromMilliseconds(Environment.TickCount64 - since)
        : time.GetElapsedTime(since);
}
