// The canaries of slots: one idea less each. The checker must reject them.

namespace Allot.Model.Tests.Interleavings;

/// <summary>An owner that does not look again after it has said that it is inside.</summary>
internal sealed class LooksOnce(Run run) : SlotProtocol(run)
{
    protected override bool IsStillOwner(int thread) => true;
}

/// <summary>Takes a slot away without a barrier: the owner may be inside, and its store in a buffer.</summary>
internal sealed class TakesAwayWithoutBarrier(Run run) : SlotProtocol(run)
{
    protected override void BarrierBeforeDraining()
    {
    }
}

/// <summary>Closes without a barrier.</summary>
internal sealed class ClosesWithoutBarrier(Run run) : SlotProtocol(run)
{
    protected override void BarrierBeforeEnding()
    {
    }
}

/// <summary>Shares a slot whose owner is still inside.</summary>
internal sealed class DoesNotDrain(Run run) : SlotProtocol(run)
{
    protected override bool IsDrained(Buffer stores) => true;
}

/// <summary>Leaves and does not look whether the program has ended meanwhile.</summary>
internal sealed class LeavesAndGoes(Run run) : SlotProtocol(run)
{
    protected override IEnumerable<Gate?> EndIfClosed(Buffer stores) => [];
}
