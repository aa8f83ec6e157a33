namespace Allot.Tests;

/// <summary>Who has been taken out of a line is told what came of it, also when interrupted: it may be
/// charged.</summary>
public sealed class ChargeWaiterTests
{
    [Fact]
    public void An_interrupt_does_not_end_the_wait_for_an_outcome_and_is_not_lost()
    {
        var waiter = new ChargeWaiter(new MemoryController().Root.Memory, 1);
        WaitOutcome outcome = WaitOutcome.Hopeless;
        bool isInterrupted = false;
        var thread = new Thread(() =>
        {
            outcome = waiter.WaitForOutcome();
            isInterrupted = Record.Exception(static () => Thread.CurrentThread.Join(1)) is ThreadInterruptedException;
        });
        thread.Start();
        for (int i = 0; i < 2; i++)
        {
            SpinWait.SpinUntil(() => thread.ThreadState == ThreadState.WaitSleepJoin);
            thread.Interrupt();
        }

        waiter.End(WaitOutcome.Charged);
        thread.Join();
        Assert.Equal(WaitOutcome.Charged, outcome);
        Assert.True(isInterrupted);
    }
}
