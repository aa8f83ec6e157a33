using Allot.Testing;

namespace Allot.Tests.Scopes;

/// <summary>Random scopes of thread and flow, with the contexts of other flows entered in between, against a model that
/// works out from the whole history what holds.</summary>
public sealed class FlowModelTests
{
    private const int DepthMax = 12, Steps = 400;

    private static readonly AsyncLocal<object?> s_other = new();

    private readonly MemoryGroup[] _groups;
    private readonly List<(ExecutionContext Context, Flow? Flow)> _captured = [];
    private Prng _random = new(0);
    private int _stepsLeft;

    // The model: what the flow is, and the scopes of the thread, the innermost first.
    private Flow? _flow;
    private OfThread? _thread;

    public FlowModelTests()
    {
        MemoryGroup root = new MemoryController().Root;
        _groups = [.. Enumerable.Range(0, 5).Select(i => root.CreateChild($"g{i}"))];
    }

    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 40).Select(seed => (ulong)seed)];

    [Theory, MemberData(nameof(Seeds))]
    public void Thread_and_flow_agree_with_the_model(ulong seed)
    {
        _random = new Prng(seed);
        _stepsLeft = Steps;
        while (_stepsLeft > 0) Step(0);
        Check();
    }

    private void Step(int depth)
    {
        if (_stepsLeft-- <= 0) return;
        Check();
        switch (_random.Below(depth >= DepthMax ? 2 : 9))
        {
            case 0:
                s_other.Value = new object();   // another context of the same flow
                break;
            case 1:
                if (ExecutionContext.Capture() is { } here) _captured.Add((here, _flow));
                break;
            case 2:
                EnterThread(depth);
                break;
            case 3:
                MemoryGroup group = _random.Pick(_groups);
                EnterFlow(depth, group.EnterFlow(), new Flow(Noted, new object(), group));
                break;
            case 4:
                EnterFlow(depth, FlowingScope.ActiveGroup(null), new Flow(Noted, new object(), null));
                break;
            case 5:
                EnterFlow(depth, FlowingScope.NoFs(), Restricted(AllocationRestrictions.NoFs));
                break;
            case 6:
                EnterFlow(depth, FlowingScope.NoIo(), Restricted(AllocationRestrictions.NoIo));
                break;
            case 7:
                if (_captured.Count > 0) RunIn(_random.Pick(_captured), depth);
                break;
            default:
                if (!ExecutionContext.IsFlowSuppressed()) Suppressed(depth);
                break;
        }

        if (_random.OneIn(3)) Check();
    }

    private AllocationRestrictions Noted => _flow?.Restrictions ?? AllocationRestrictions.None;

    private Flow Restricted(AllocationRestrictions more) => new(Noted | more, _flow?.Setter, _flow?.Group);

    private void Inside(int depth)
    {
        for (int i = _random.Below(4); i >= 0; i--) Step(depth + 1);
        Check();
    }

    private void EnterThread(int depth)
    {
        MemoryGroup? group = _random.OneIn(4) ? null : _random.Pick(_groups);
        OfThread? outer = _thread;
        using (AllocationScope.ActiveGroup(group))
        {
            _thread = new OfThread(group, _flow?.Setter);
            Inside(depth);
            _thread = outer;
        }

        Check();
    }

    private void EnterFlow(int depth, FlowingScope entered, Flow inner)
    {
        Flow? outer = _flow;
        _flow = inner;
        using (entered) Inside(depth);
        _flow = outer;
        Check();
    }

    private void RunIn((ExecutionContext Context, Flow? Flow) other, int depth)
    {
        Flow? here = _flow;
        _flow = other.Flow;
        ExecutionContext.Run(other.Context, _ => Inside(depth), null);
        _flow = here;
        Check();
    }

    private void Suppressed(int depth)
    {
        using (ExecutionContext.SuppressFlow()) Inside(depth);
        Check();
    }

    // The rule: the thread's scope is the inner one as long as the group of the flow is set by whom it was set by then.
    private void Check()
    {
        bool isThreadInner = _thread is { } own && (_flow?.Setter is null || _flow.Setter == own.SetterAtEntry);
        MemoryGroup? expected = isThreadInner ? _thread!.Group : _flow?.Group;
        if (_random.OneIn(2)) Assert.Equal(expected, MemoryGroup.Current);
        if (_random.OneIn(2)) Assert.Equal(Noted, AllocationContext.Restrictions);
    }

    private sealed record Flow(AllocationRestrictions Restrictions, object? Setter, MemoryGroup? Group);

    private sealed record OfThread(MemoryGroup? Group, object? SetterAtEntry);
}
