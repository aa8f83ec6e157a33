namespace Allot.Maps;

/// <summary>The lock of a map that is charged or uncharged inside of it: policies and listeners are told when the lock
/// was left, and may use the map.</summary>
internal readonly ref struct HeldReports
{
    private readonly Lock.Scope _gate;

    private HeldReports(Lock.Scope gate) => _gate = gate;

    public static HeldReports Enter(Lock gate)
    {
        Lock.Scope scope = gate.EnterScope();
        TraceReport.HoldBack();
        return new HeldReports(scope);
    }

    public void Dispose()
    {
        _gate.Dispose();
        TraceReport.LetGo();
    }
}
