namespace Allot;

/// <summary>A short wait that Thread.Interrupt does not end. (That of SpinWait can be: now and then it sleeps for no
/// time at all, and a sleep is interrupted.)</summary>
internal struct SteadySpin
{
    private const int SpinsBeforeYield = 8;

    private int _turns;

    /// <summary>One turn: a few instructions at first, then the rest of this thread's time slice.</summary>
    public void Once()
    {
        if (_turns < SpinsBeforeYield && Environment.ProcessorCount > 1)
        {
            Thread.SpinWait(4 << _turns++);
        }
        else
        {
            Thread.Yield();
        }
    }
}
