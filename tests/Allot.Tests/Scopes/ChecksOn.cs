namespace Allot.Tests.Scopes;

/// <summary>Tests that need the checks in a known state: the switch is one for the process, so nothing else runs
/// meanwhile.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class ChecksSwitch
{
    public const string Name = "allocation checks";
}

/// <summary>The checks are on, or off, until it is disposed; what they report is kept.</summary>
internal sealed class ChecksOn : IDisposable
{
    private readonly bool _before = AllocationChecks.IsEnabled;
    private readonly IDisposable _observation;

    public ChecksOn(bool isEnabled = true)
    {
        AllocationChecks.IsEnabled = isEnabled;
        _observation = AllocationChecks.Observe(Reports.Add);
    }

    public List<AllocationReport> Reports { get; } = [];

    public void Dispose()
    {
        _observation.Dispose();
        AllocationChecks.IsEnabled = _before;
    }
}
