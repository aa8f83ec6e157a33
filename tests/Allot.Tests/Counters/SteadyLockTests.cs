namespace Allot.Tests.Counters;

/// <summary>The lock under all that must not fail half way.</summary>
public sealed class SteadyLockTests
{
    [Fact]
    public void Who_waits_allocates_nothing_not_even_the_first_time()
    {
        using (new SteadyLock().EnterScope())
        {
        }

        var contended = new SteadyLock();
        long allocated = -1;
        var waiter = new Thread(() =>
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            using (contended.EnterScope()) allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        });
        using (contended.EnterScope())
        {
            Assert.True(contended.IsHeldByCurrentThread);
            waiter.Start();
            SpinWait.SpinUntil(() => (waiter.ThreadState & ThreadState.WaitSleepJoin) != 0);
        }

        waiter.Join();
        Assert.Equal(0, allocated);
        Assert.False(contended.IsHeldByCurrentThread);
    }
}
