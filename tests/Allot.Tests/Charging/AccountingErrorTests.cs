using System.Diagnostics;

namespace Allot.Tests;

/// <summary>What happens when somebody gives back what was never charged: ignored, counted, and reported
/// once.</summary>
public sealed class AccountingErrorTests
{
    private readonly TreeOfThree _tree = new();

    [Fact]
    public void The_excess_is_ignored_and_counted_where_it_happened()
    {
        _tree.Middle.Charge(MemoryKind.User, 100);
        _tree.Leaf.Charge(MemoryKind.User, 10);
        _tree.Leaf.Uncharge(MemoryKind.User, 30);
        Assert.Equal([100, 100, 0], _tree.Memory);
        Assert.Equal(1, _tree.Leaf.ReadLocalEvents().AccountingErrors);
        Assert.Equal(0, _tree.Middle.ReadLocalEvents().AccountingErrors);
        Assert.Equal(1, _tree.Root.ReadEvents().AccountingErrors);
    }

    [Fact]
    public void User_memory_is_not_given_back_as_kernel_memory()
    {
        _tree.Leaf.Charge(MemoryKind.User, 100);
        _tree.Leaf.Uncharge(MemoryKind.Kernel, 100);
        Assert.Equal([100, 100, 100], _tree.Memory);
        Assert.Equal(1, _tree.Leaf.ReadLocalEvents().AccountingErrors);
    }

    [Fact]
    public void Locked_bytes_are_not_given_back_as_pinned_bytes()
    {
        _tree.Leaf.ForcePin(PinKind.Locked, 8);
        _tree.Leaf.Unpin(PinKind.Pinned, 8);
        Assert.Equal([8, 8, 8], _tree.Pins);
        Assert.Equal(1, _tree.Leaf.ReadLocalEvents().AccountingErrors);
        _tree.Leaf.Unpin(PinKind.Locked, 9);
        Assert.Equal([0, 0, 0], _tree.Pins);
        Assert.Equal(2, _tree.Leaf.ReadLocalEvents().AccountingErrors);
    }

    [Fact]
    public void It_is_reported_once_per_group()
    {
        string name = $"reported-{Guid.NewGuid():N}";
        MemoryGroup group = _tree.Root.CreateChild(name);
        using var listener = new Listener(name);
        Trace.Listeners.Add(listener);
        try
        {
            group.Charge(MemoryKind.User, 5);
            group.Uncharge(MemoryKind.User, 8);
            group.Uncharge(MemoryKind.User, 1);
            group.Uncharge(MemoryKind.Kernel, 1);
        }
        finally
        {
            Trace.Listeners.Remove(listener);
        }

        string message = Assert.Single(listener.Messages);
        Assert.Contains($"8 bytes were uncharged from '/{name}', 3 more than it held", message);
        Assert.Equal(3, group.ReadLocalEvents().AccountingErrors);
    }

    public enum Call
    {
        Shrink,
        Resize,
        Transfer,
        Dispose,
    }

    public static TheoryData<Call> Calls => [.. Enum.GetValues<Call>()];

    [Theory, MemberData(nameof(Calls))]
    public void A_listener_may_use_the_handle_in_whose_call_it_is_told(Call call)
    {
        string name = $"listened-{Guid.NewGuid():N}";
        MemoryGroup group = _tree.Root.CreateChild(name), other = new MemoryController().Root.CreateChild("other");
        MemoryCharge charge = group.Hold(MemoryKind.User, 100);
        group.Uncharge(MemoryKind.User, 60);   // the mistake: these are the handle's
        bool isFree = false;
        using var listener = new Listener(name)
        {
            OnMessage = () =>
            {
                var elsewhere = new Thread(() => _ = charge.Bytes);
                elsewhere.Start();
                isFree = elsewhere.Join(TimeSpan.FromSeconds(10));
                charge.Dispose();
            },
        };
        Trace.Listeners.Add(listener);
        try
        {
            if (call == Call.Shrink) charge.Shrink(80);
            if (call == Call.Resize) charge.Resize(20);
            if (call == Call.Transfer) charge.TransferTo(other);   // of another tree: uncharged here
            if (call == Call.Dispose) charge.Dispose();
        }
        finally
        {
            Trace.Listeners.Remove(listener);
        }

        Assert.True(isFree);
        Assert.Single(listener.Messages);
        Assert.Equal((0, 0), (charge.Bytes, group.Memory.CurrentBytes));
        Assert.Equal(0, other.Memory.CurrentBytes);
    }

    [Fact]
    public void Limits_hold_after_any_number_of_wrong_uncharges()
    {
        MemoryGroup group = _tree.Root.CreateChild("c", new() { MaxBytes = 100 });
        for (int i = 0; i < 50; i++) group.Uncharge(MemoryKind.User, MemoryGroup.MaxChargeBytes);
        Assert.Equal(0, group.Memory.CurrentBytes);
        Assert.False(group.TryCharge(MemoryKind.User, 101, out _));
        Assert.True(group.TryCharge(MemoryKind.User, 100, out _));
    }

    private sealed class Listener(string groupName) : TraceListener
    {
        public List<string> Messages { get; } = [];

        public Action OnMessage { get; init; } = () => { };

        public override void TraceEvent(
            TraceEventCache? eventCache, string source, TraceEventType eventType, int id, string? message)
        {
            if (message?.Contains(groupName, StringComparison.Ordinal) != true) return;
            Messages.Add(message);
            OnMessage();
        }

        public override void Write(string? message)
        {
        }

        public override void WriteLine(string? message)
        {
        }
    }
}
