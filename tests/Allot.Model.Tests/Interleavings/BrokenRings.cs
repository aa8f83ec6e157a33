// The canaries of rings: one idea less each. The checker must reject them.

namespace Allot.Model.Tests.Interleavings;

/// <summary>Leaves what was consumed: who reserves has the place before its header.</summary>
internal sealed class ClearsNothing(Run run, int slots) : RingProtocol(run, slots)
{
    protected override IEnumerable<Gate?> Clear(long length) => [];
}

/// <summary>Gives the place back before it clears it: it clears the header of the next one.</summary>
internal sealed class MovesBeforeItClears(Run run, int slots) : RingProtocol(run, slots)
{
    protected override IEnumerable<Gate?> Advance(long length)
    {
        long at = Consumer.Value;
        yield return null;
        Consumer.Write(at + length);
        for (int slot = 0; slot < length; slot++)
        {
            yield return null;
            Slot(at + slot).Write(0);
        }
    }
}

/// <summary>Looks where the consumer is before its record is visible.</summary>
internal sealed class LooksBeforeItCommits(Run run, int slots) : RingProtocol(run, slots)
{
    protected override IEnumerable<Gate?> Commit(long at, long header)
    {
        yield return null;
        bool isAwaited = Consumer.Read() == at;
        yield return null;
        Slot(at).Write(header);
        if (isAwaited) Signal.Value = 1;
    }
}

/// <summary>Waits without a second look.</summary>
internal sealed class WaitsAtOnce(Run run, int slots) : RingProtocol(run, slots)
{
    protected override IEnumerable<Gate?> Wait()
    {
        yield return null;
        Signal.Write(0);
        yield return () => Signal.Value != 0;
    }
}
