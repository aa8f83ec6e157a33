using Allot.Processes.Observation;

namespace Allot.Processes.Tests.Observation;

public sealed class ProcessStatusTests
{
    [Fact]
    public void Own_process()
    {
        Assert.True(ProcessStatus.TryRead(Environment.ProcessId, out ProcessStatus status));
        Assert.Equal(Environment.ProcessId, status.ThreadGroupId);
        Assert.True(status.ParentId > 0);
        Assert.True(status.ThreadCount > 1);
        Assert.True(status.HasMemory);
        Assert.True(status.VirtualBytes > 1 << 20);
        Assert.True(status.PageTableBytes > 0);
        Assert.False(status.IsZombie);
    }

    [Fact]
    public void Locked_bytes_follow_mlock()
    {
        using var memory = new OwnMemory(64);
        // Only a child is quiet enough for equality; here other tests may lock too, so: a large step.
        Assert.SkipUnless(memory.TryLock(0, 64), "mlock is refused here: RLIMIT_MEMLOCK is too small.");
        Assert.True(ProcessStatus.TryRead(Environment.ProcessId, out ProcessStatus status));
        Assert.True(status.LockedBytes >= 64 * OwnMemory.PageBytes);
        Assert.Equal(0, status.LockedBytes % OwnMemory.PageBytes);
    }

    [Fact]
    public void A_zombie_has_a_state_and_no_memory()
    {
        // The child ends when the shell has become a program that never waits for it.
        using TestProcess process = TestProcess.Shell(
            "sh -c 'until [ \"$(cat /proc/$PPID/comm)\" = sleep ]; do :; done' & echo $!; exec sleep 1000");
        int zombie = int.Parse(process.ReadLine()!, System.Globalization.CultureInfo.InvariantCulture);
        ProcessStatus status = default;
        Assert.True(SpinWait.SpinUntil(
            () => ProcessStatus.TryRead(zombie, out status) && status.IsZombie, TimeSpan.FromSeconds(20)));
        Assert.False(status.HasMemory);
        Assert.Equal(process.Pid, status.ParentId);
        Assert.Equal(0, status.VirtualBytes);
        Assert.True(ProcessStart.TryRead(zombie, out ProcessStart start));
        Assert.Equal(process.Pid, start.ParentId);
    }

    [Fact]
    public void A_kernel_thread_has_no_memory()
    {
        Assert.SkipUnless(ProcessStatus.TryRead(2, out ProcessStatus status) && status.ParentId == 0,
            "Process 2 is not the kernel's thread daemon in this pid namespace.");
        Assert.False(status.HasMemory);
        Assert.Equal(1, status.ThreadCount);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(int.MaxValue)]
    public void No_such_process(int pid)
    {
        Assert.False(ProcessStatus.TryRead(pid, out _));
        Assert.False(ProcessStart.TryRead(pid, out _));
        Assert.False(ThreadStatus.TryRead(pid, out _));
    }
}
