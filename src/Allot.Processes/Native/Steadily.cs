namespace Allot.Processes.Native;

/// <summary>Waits that have to come to their end: Thread.Interrupt does not cut them short, and takes effect at the
/// next wait of the caller.</summary>
internal static class Steadily
{
    /// <param name="wait">What can be begun anew after an interrupt.</param>
    public static void Do(Action wait)
    {
        bool wasInterrupted = false;
        while (true)
        {
            try
            {
                wait();
                break;
            }
            catch (ThreadInterruptedException)
            {
                wasInterrupted = true;
            }
        }

        if (wasInterrupted) Thread.CurrentThread.Interrupt();
    }
}
