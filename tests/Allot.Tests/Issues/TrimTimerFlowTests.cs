namespace Allot.Tests.Issues;

/// <summary>The timer that looks after idle reserves is started by whichever request happens to be first. It must keep
/// nothing of it: what flows with a request (AsyncLocal) can be large, and is not for what runs on the timer.</summary>
public sealed class TrimTimerFlowTests
{
    [Fact]
    public void The_timer_keeps_nothing_of_the_request_that_started_it()
    {
        var request = new AsyncLocal<string> { Value = "first" };
        var time = new FlowingTime(request);
        MemoryGroup group = new MemoryController(options: new() { Time = time }).Root.CreateChild("a");
        for (int i = 0; i < 100; i++) group.Charge(MemoryKind.User, 10);
        Assert.NotEqual(0, group.Memory.ReservedBytes);
        Assert.Equal([null], time.Flowed);
    }

    // What a timer of the system captures: the flow at its creation.
    private sealed class FlowingTime(AsyncLocal<string> request) : TimeProvider
    {
        public List<string?> Flowed { get; } = [];

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Flowed.Add(ExecutionContext.IsFlowSuppressed() ? null : request.Value);
            return base.CreateTimer(callback, state, dueTime, period);
        }
    }
}
