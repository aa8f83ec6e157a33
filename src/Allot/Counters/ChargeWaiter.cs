using System.Diagnostics;

namespace Allot;

/// <summary>How the wait for room has ended.</summary>
internal enum WaitOutcome
{
    /// <summary>The bytes are charged.</summary>
    Charged,

    /// <summary>It can never end well: the group was removed or killed, or a limit is below the request.</summary>
    Hopeless,
}

/// <summary>A charge that waits for room.</summary>
internal sealed class ChargeWaiter(MemoryCounter counter, long bytes)
{
    // Continuations run elsewhere: who gives room must not run the waiter's code.
    private readonly TaskCompletionSource<WaitOutcome> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public MemoryCounter Counter { get; } = counter;

    public long Bytes { get; } = bytes;

    /// <summary>Its place among all that wait in the tree: the order of arrival.</summary>
    public long Ticket { get; set; }

    /// <summary>The level without room, in whose line it stands; null before and after.</summary>
    public MemoryCounter? WaitsAt { get; set; }

    /// <summary>How many bytes others may still charge past it.</summary>
    public long OvertakeBytes { get; set; } = bytes;

    /// <summary>With <see cref="WaitOutcome.Hopeless"/>: the limit that is too low; null when the group was removed or
    /// killed.</summary>
    public MemoryCounter? Limiter { get; private set; }

    public Task<WaitOutcome> Done => _done.Task;

    /// <summary>What has come of it, for who knows that it stands in no line any more: that is decided, and about to be
    /// told. As the bytes may be charged, Thread.Interrupt does not end this wait; it takes effect at the
    /// next.</summary>
    public WaitOutcome WaitForOutcome()
    {
        bool wasInterrupted = false;
        while (true)
        {
            try
            {
                WaitOutcome outcome = Done.GetAwaiter().GetResult();
                if (wasInterrupted) Thread.CurrentThread.Interrupt();
                return outcome;
            }
            catch (ThreadInterruptedException)
            {
                wasInterrupted = true;
            }
        }
    }

    /// <summary>Ends the wait because nobody waits for it any more. Called after it has left the line.</summary>
    public void Cancel(CancellationToken cancellationToken) => _done.TrySetCanceled(cancellationToken);

    /// <summary>Ends the wait. Called without locks.</summary>
    public void End(WaitOutcome outcome, MemoryCounter? limiter = null)
    {
        Debug.Assert(WaitsAt is null, "Who is told has left the line.");
        Limiter = limiter;
        _done.TrySetResult(outcome);
    }
}
