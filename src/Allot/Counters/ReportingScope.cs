namespace Allot;

/// <summary>A lock that is held around code which may report: what it reports is reported when the lock was left, so
/// policies and listeners may use what it protects.</summary>
internal readonly ref struct ReportingScope
{
    private readonly SteadyLock.Scope _gate;

    private ReportingScope(SteadyLock.Scope gate) => _gate = gate;

    public static ReportingScope Enter(SteadyLock gate)
    {
        SteadyLock.Scope scope = gate.EnterScope();
        TraceReport.HoldBack();
        return new ReportingScope(scope);
    }

    public void Dispose()
    {
        _gate.Dispose();
        TraceReport.LetGo();
    }
}
