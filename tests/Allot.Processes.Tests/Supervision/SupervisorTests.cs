using Allot.Processes.Supervision;
using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Supervision;

public sealed class SupervisorTests
{
    [Fact]
    public void A_thread_that_is_interrupted_ends_it_completely_and_stays_interrupted()
    {
        MemoryGroup group = new MemoryController(options: new() { ReservesMaxBytes = 0 }).Root.CreateChild("g");
        var supervisor = new Supervisor(new SupervisorParts
        {
            Group = group,
            Members = new FixedMembers(),
            Cgroup = new FakeMemoryCgroup { KernelBytes = 1000 },
            Calls = null,
            DeniesIoUring = false,
        });
        supervisor.Start(listener: null);
        Wait.Until(() => group.Kernel.CurrentBytes == 1000);
        Thread.CurrentThread.Interrupt();
        Exception? thrown = Record.Exception(supervisor.Dispose);
        Exception? later = Record.Exception(static () => Thread.CurrentThread.Join(TimeSpan.FromSeconds(1)));
        Assert.Null(thrown);
        Assert.IsType<ThreadInterruptedException>(later);
        Assert.Equal(0, group.Memory.CurrentBytes);
    }
}
