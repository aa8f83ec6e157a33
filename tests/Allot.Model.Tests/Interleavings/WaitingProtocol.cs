// Waiting for room, step by step as in TreeWaiting: one limit with its line, and the threads that wait, charge past the
// line, give bytes back and cancel. Whoever changes the protocol there changes it here.
//
// Not in it: a second limit, to whose line a waiter moves, and what threads hold in advance (Reserves/reserves.pml).
//
// Under the gate one step may do several things: nobody else looks at them without the gate. What others read without
// it, room and mark, is a step of its own.

namespace Allot.Model.Tests.Interleavings;

internal class WaitingProtocol
{
    private const long NotYet = 0, Waits = 1, Charged = 2, Gone = 3;

    private readonly Run _run;
    private readonly Word _gate;
    private readonly Word _lastTicket;
    private readonly List<Waiter> _waiters = [];
    private readonly List<Word> _threadLocks = [];

    public WaitingProtocol(Run run, long room)
    {
        _run = run;
        Room = run.NewWord(room);
        HasLine = run.NewWord(0);
        RoomCame = run.NewWord(0);
        _gate = run.NewWord(0);
        _lastTicket = run.NewWord(0);
        run.Finally(
            () => First() is not { } first || first.Bytes > Room.Value,
            "no lost wake-up: at the end who is first in line does not fit");
        run.Finally(() => (First() is null) == (HasLine.Value == 0), "a level is marked if and only if it has a line");
        run.Finally(() => _gate.Value == 0, "the gate is left");
    }

    protected Word Room { get; }

    protected Word HasLine { get; }

    protected Word RoomCame { get; }

    /// <summary>ChargeAsync: StandInLine.</summary>
    public IEnumerable<Gate?> Wait(long bytes)
    {
        Waiter waiter = Add(bytes);
        return Steps();

        IEnumerable<Gate?> Steps()
        {
            foreach (Gate? gate in Enter()) yield return gate;
            waiter.Ticket.Value = _lastTicket.Add(1);
            if (HasLine.Read() != 0) waiter.State.Value = Waits;
            else foreach (Gate? gate in JoinAndTry(waiter)) yield return gate;
            Exit();
            yield return null;
            RoomCame.Write(1);
            foreach (Gate? gate in Serve()) yield return gate;
        }
    }

    /// <summary>A token fires: Leave, for the waiter that was added as number <paramref name="index"/>.</summary>
    public IEnumerable<Gate?> Cancel(int index)
    {
        foreach (Gate? gate in Enter()) yield return gate;
        Waiter waiter = _waiters[index];
        bool waits = waiter.State.Read() == Waits;
        if (waits) LeaveLine(waiter, Gone);
        Exit();
        if (waits)
        {
            foreach (Gate? gate in AfterLeaving()) yield return gate;
        }
    }

    /// <summary>A charge that does not wait: past the line if it may, and refused where the room is promised.</summary>
    public IEnumerable<Gate?> Charge(long bytes)
    {
        Word threadLock = _run.NewWord(0);
        _threadLocks.Add(threadLock);
        return Steps();

        IEnumerable<Gate?> Steps()
        {
            yield return null;
            threadLock.Write(1);
            yield return null;
            bool hasLine = HasLine.Read() != 0;
            if (!hasLine)
            {
                yield return null;
                if (TryTake(bytes, null))
                {
                    threadLock.Write(0);
                    yield break;
                }
            }

            yield return null;
            threadLock.Write(0);
            foreach (Gate? gate in Enter()) yield return gate;
            bool isPromised = IsPromised(bytes);
            yield return null;
            if (!isPromised && TryTake(bytes, null))
            {
                foreach (Waiter waiter in _waiters.Where(static one => one.State.Value == Waits))
                {
                    waiter.Overtake.Value -= bytes;
                }
            }

            Exit();
            foreach (Gate? gate in Serve()) yield return gate;
        }
    }

    /// <summary>Bytes are given back: the room first, then a look for the mark.</summary>
    public virtual IEnumerable<Gate?> Uncharge(long bytes)
    {
        yield return null;
        Room.Add(bytes);
        yield return null;
        if (HasLine.Read() == 0) yield break;
        yield return null;
        RoomCame.Write(1);
        foreach (Gate? gate in Serve()) yield return gate;
    }

    protected virtual IEnumerable<Gate?> Serve()
    {
        while (true)
        {
            yield return null;
            if (RoomCame.Read() == 0) yield break;
            foreach (Gate? gate in Enter()) yield return gate;
            RoomCame.Write(0);
            foreach (Gate? gate in ServeLine()) yield return gate;
            Exit();
        }
    }

    protected IEnumerable<Gate?> ServeLine()
    {
        while (Next() is { } next)
        {
            yield return null;
            if (!TryTake(next.Bytes, next)) yield break;
            LeaveLine(next, Charged);
        }
    }

    /// <summary>Whom to serve: the first by ticket.</summary>
    protected virtual Waiter? Next()
    {
        foreach (Waiter waiter in _waiters) waiter.State.Read();
        return First();
    }

    /// <summary>The mark first, then the attempt.</summary>
    protected virtual IEnumerable<Gate?> JoinAndTry(Waiter waiter)
    {
        foreach (Gate? gate in Mark(waiter)) yield return gate;
        yield return null;
        if (TryTake(waiter.Bytes, waiter)) LeaveLine(waiter, Charged);
    }

    /// <summary>Marks the level, and waits until each thread that has not seen the mark has done its charge: the locks
    /// that ThreadReserves.TakeBack takes.</summary>
    protected virtual IEnumerable<Gate?> Mark(Waiter waiter)
    {
        yield return null;
        HasLine.Write(1);
        foreach (Word threadLock in _threadLocks) yield return () => threadLock.Value == 0;
        waiter.State.Value = Waits;
    }

    protected virtual IEnumerable<Gate?> AfterLeaving()
    {
        yield return null;
        RoomCame.Write(1);   // what was promised to it is for the others
        foreach (Gate? gate in Serve()) yield return gate;
    }

    protected virtual bool IsPromised(long bytes) =>
        _waiters.Exists(one => one.State.Read() == Waits && one.Overtake.Read() < bytes);

    protected IEnumerable<Gate?> Enter()
    {
        yield return () => _gate.Value == 0;
        _gate.Write(1);
    }

    protected void Exit() => _gate.Write(0);

    protected IEnumerable<Waiter> Line => _waiters.Where(static one => one.State.Value == Waits);

    // One CAS. Null: somebody who does not wait.
    protected bool TryTake(long bytes, Waiter? taker)
    {
        if (Room.Read() < bytes) return false;
        Room.Add(-bytes);
        foreach (Waiter passed in Line.Where(one => one != taker))
        {
            bool isFirst = taker is null || taker.Ticket.Value < passed.Ticket.Value;
            _run.Require(isFirst, "who waits is served in the order of arrival");
            if (taker is not null) continue;
            passed.Passed.Value += bytes;
            _run.Require(
                passed.Passed.Value <= passed.Bytes, "past who waits go at most as many bytes as it waits for");
        }

        return true;
    }

    protected void LeaveLine(Waiter waiter, long state)
    {
        waiter.State.Value = state;
        if (First() is null) HasLine.Write(0);
    }

    private Waiter? First() => Line.MinBy(static one => one.Ticket.Value);

    private Waiter Add(long bytes)
    {
        var waiter = new Waiter(
            bytes, _run.NewWord(NotYet), _run.NewWord(0), _run.NewWord(bytes), _run.NewWord(0));
        _waiters.Add(waiter);
        return waiter;
    }

    /// <param name="Bytes">What it waits for.</param>
    /// <param name="State">Where it is.</param>
    /// <param name="Ticket">The order of arrival.</param>
    /// <param name="Overtake">What may still go past it.</param>
    /// <param name="Passed">Ghost: what has gone past it.</param>
    internal sealed record Waiter(long Bytes, Word State, Word Ticket, Word Overtake, Word Passed);
}
