// The time that one flow is stalled: counted in the group that it charges and in every group above.

namespace Allot;

internal readonly struct PressureScope : IDisposable
{
    // Stalled flows of the process: only so that a charge looks for pressure at all while there is any.
    private static int s_stalledFlows;

    private readonly MemoryGroup? _group;

    private PressureScope(MemoryGroup group) => _group = group;

    /// <summary>Whether a flow is stalled anywhere: then charges that succeed call <see cref="NoteBusy"/>.</summary>
    public static bool IsAnyStalled => Volatile.Read(ref s_stalledFlows) != 0;

    /// <summary>The flow of the caller stalls, until the scope is disposed, on whichever thread.</summary>
    public static PressureScope Enter(MemoryGroup group)
    {
        // First all that can fail, by an interrupt for one: who has entered anywhere enters everywhere.
        for (MemoryGroup? level = group; level is not null; level = level.Parent)
        {
            ReclaimState.FindOrEnsure(level).EnsurePressure(level);
        }

        TimeSpan now = Now(group);
        Interlocked.Increment(ref s_stalledFlows);
        for (MemoryGroup? level = group; level is not null; level = level.Parent)
        {
            ReclaimState.Of(level)!.Pressure!.Enter(now);
        }

        return new PressureScope(group);
    }

    /// <summary>The same if there is anything to wait for.</summary>
    public static PressureScope EnterIf(bool condition, MemoryGroup group) => condition ? Enter(group) : default;

    /// <summary>A flow has charged the group without a stall.</summary>
    public static void NoteBusy(MemoryGroup group)
    {
        TimeSpan? now = null;
        for (MemoryGroup? level = group; level is not null; level = level.Parent)
        {
            if (level.Policy?.Attachment is not ReclaimState { Pressure: { IsStalled: true } pressure }) continue;
            pressure.NoteBusy(now ??= Now(group));
        }
    }

    /// <summary>The flow goes on.</summary>
    public void Dispose()
    {
        if (_group is null) return;
        TimeSpan now = Now(_group);
        for (MemoryGroup? level = _group; level is not null; level = level.Parent)
        {
            ReclaimState.Of(level)!.Pressure!.Leave(now);
        }

        Interlocked.Decrement(ref s_stalledFlows);
    }

    internal static TimeSpan Now(MemoryGroup group) => group.Controller.Time.GetElapsedTime(0);
}
