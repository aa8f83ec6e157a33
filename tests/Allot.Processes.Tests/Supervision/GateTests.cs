using Allot.Processes.Supervision;
using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Supervision;

public sealed class GateTests
{
    [Fact]
    public void Whoever_waits_goes_first()
    {
        var gate = new Gate();
        bool hadATurn = false;
        gate.Enter();
        var other = new Thread(() =>
        {
            gate.Enter();
            hadATurn = true;
            gate.Exit();
        });
        other.Start();
        Wait.Until(() => gate.IsWaitedFor);
        Assert.False(hadATurn);

        gate.LetOthersGoFirst();
        Assert.True(gate.IsHeldByCurrentThread);
        Assert.True(hadATurn);
        gate.Exit();
        other.Join();
    }

    [Fact]
    public void When_nobody_waits_the_holder_keeps_it()
    {
        var gate = new Gate();
        gate.Enter();
        gate.LetOthersGoFirst();
        Assert.True(gate.IsHeldByCurrentThread);
        bool entered = true;
        var other = new Thread(() => entered = gate.TryEnter());
        other.Start();
        other.Join();
        Assert.False(entered);
        gate.Exit();
        Assert.False(gate.IsHeldByCurrentThread);
    }
}
