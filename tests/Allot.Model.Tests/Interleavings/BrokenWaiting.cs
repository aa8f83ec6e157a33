// The canaries of waiting: one idea less each. The checker must reject them.

namespace Allot.Model.Tests.Interleavings;

/// <summary>Looks for the mark before it gives the room: between the two somebody begins to wait.</summary>
internal sealed class LooksBeforeItGives(Run run, long room) : WaitingProtocol(run, room)
{
    public override IEnumerable<Gate?> Uncharge(long bytes)
    {
        yield return null;
        bool hasLine = HasLine.Read() != 0;
        yield return null;
        Room.Add(bytes);
        if (!hasLine) yield break;
        yield return null;
        RoomCame.Write(1);
        foreach (Gate? gate in Serve()) yield return gate;
    }
}

/// <summary>Who comes into line first tries and then marks, and does not look again.</summary>
internal sealed class TriesBeforeItMarks(Run run, long room) : WaitingProtocol(run, room)
{
    protected override IEnumerable<Gate?> JoinAndTry(Waiter waiter)
    {
        yield return null;
        bool fits = Room.Read() >= waiter.Bytes;
        foreach (Gate? gate in Mark(waiter)) yield return gate;
        if (fits && TryTake(waiter.Bytes, waiter)) LeaveLine(waiter, state: 2);
    }

    // It would find what was missed.
    protected override IEnumerable<Gate?> Serve() => HasLine.Value == 0 ? base.Serve() : ServeOnlyIfRoomCameSince();

    private IEnumerable<Gate?> ServeOnlyIfRoomCameSince()
    {
        yield return null;
        RoomCame.Write(0);
    }
}

/// <summary>Clears the note that room came after it has looked: what came in between is forgotten.</summary>
internal sealed class ClearsAfterItLooked(Run run, long room) : WaitingProtocol(run, room)
{
    protected override IEnumerable<Gate?> Serve()
    {
        yield return null;
        if (RoomCame.Read() == 0) yield break;
        foreach (Gate? gate in Enter()) yield return gate;
        foreach (Gate? gate in ServeLine()) yield return gate;
        yield return null;
        RoomCame.Write(0);
        Exit();
    }
}

/// <summary>Who leaves the line tells nobody that what was kept for it is free.</summary>
internal sealed class LeavesWithoutAWord(Run run, long room) : WaitingProtocol(run, room)
{
    protected override IEnumerable<Gate?> AfterLeaving() => [];
}

/// <summary>Serves whoever fits: a large request waits for ever.</summary>
internal sealed class ServesWhoFits(Run run, long room) : WaitingProtocol(run, room)
{
    protected override Waiter? Next()
    {
        Room.Read();
        return Line.OrderBy(one => one.Ticket.Value).FirstOrDefault(one => one.Bytes <= Room.Value);
    }
}

/// <summary>Promises nothing: charges that do not wait can take the room for ever.</summary>
internal sealed class PromisesNothing(Run run, long room) : WaitingProtocol(run, room)
{
    protected override bool IsPromised(long bytes) => false;
}

/// <summary>Marks the level without waiting for threads that have looked before: those pass uncounted.</summary>
internal sealed class MarksWithoutGrace(Run run, long room) : WaitingProtocol(run, room)
{
    protected override IEnumerable<Gate?> Mark(Waiter waiter)
    {
        yield return null;
        HasLine.Write(1);
        waiter.State.Value = 1;
    }
}
