// Reading what is used while bytes move between a tree and slots, step by step as in MemoryCounter.ReadUsed,
// ReserveMoves and the four places of ThreadReserves that move bytes. One level, and two slots of one owner.

namespace Allot.Model.Tests.Interleavings;

internal class ReadProtocol
{
    private readonly Run _run;
    private readonly Word _taken;
    private readonly Word[] _balances;
    private readonly Word _place;   // which of the two slots is bound
    private readonly Word _lock;
    private readonly Word _begun;
    private readonly Word _ended;
    private readonly Word _readersFirst;
    private readonly Word _used;

    public ReadProtocol(Run run)
    {
        _run = run;
        _taken = run.NewWord(6);
        _balances = [run.NewWord(2), run.NewWord(0)];
        _place = run.NewWord(0);
        _lock = run.NewWord(0);
        _begun = run.NewWord(0);
        _ended = run.NewWord(0);
        _readersFirst = run.NewWord(0);
        _used = run.NewWord(4);   // ghost
        run.Finally(() => _taken.Value - _balances[0].Value - _balances[1].Value == _used.Value, "nothing is lost");
        run.Finally(() => _begun.Value == _ended.Value, "every move ends");
    }

    protected Word Begun => _begun;

    protected Word Ended => _ended;

    /// <summary>The owner's fast path: one store changes what is used.</summary>
    public IEnumerable<Gate?> Spend(long bytes)
    {
        yield return () => _lock.Value == 0;
        Slot.Value -= bytes;
        _used.Value += bytes;
    }

    /// <summary>TryChargeAndFill: a charge of one byte, and a surplus for the slot.</summary>
    public IEnumerable<Gate?> Fill(long surplus)
    {
        foreach (Gate? gate in Lock()) yield return gate;
        foreach (Gate? gate in Begin()) yield return gate;
        yield return null;
        _taken.Add(1 + surplus);
        yield return null;
        Slot.Write(Slot.Read() + surplus);
        _used.Value++;
        foreach (Gate? gate in End()) yield return gate;
        Unlock();
    }

    /// <summary>TryKeepSomewhere: an uncharge of one byte, and all but a part goes back to the tree.</summary>
    public IEnumerable<Gate?> Drain(long keep)
    {
        foreach (Gate? gate in Lock()) yield return gate;
        foreach (Gate? gate in Begin()) yield return gate;
        yield return null;
        long drain = Slot.Read() + 1 - keep;
        _taken.Add(-drain);
        yield return null;
        Slot.Write(keep);
        _used.Value--;
        foreach (Gate? gate in End()) yield return gate;
        Unlock();
    }

    /// <summary>TryExchange: the two slots change places.</summary>
    public IEnumerable<Gate?> Exchange()
    {
        foreach (Gate? gate in Lock()) yield return gate;
        foreach (Gate? gate in Begin()) yield return gate;
        yield return null;
        Word from = Slot, to = _balances[1 - _place.Value];
        long balance = from.Read();
        yield return null;
        to.Write(balance);
        yield return null;
        from.Write(0);
        _place.Value = 1 - _place.Value;
        foreach (Gate? gate in End()) yield return gate;
        Unlock();
    }

    /// <summary>Reads what is used, and checks that it was so at some instant since it began.</summary>
    /// <param name="isImpatient">Holds moves up at once.</param>
    public IEnumerable<Gate?> Read(bool isImpatient)
    {
        Word instants = _run.NewWord(0);
        _run.AfterEveryStep(() => instants.Value |= Instant());
        yield return null;
        instants.Value = Instant();
        long used = 0;
        if (isImpatient) _readersFirst.Add(1);
        while (true)
        {
            var accepted = new StrongBox();
            foreach (Gate? gate in Look(accepted)) yield return gate;
            if (accepted.Used is not { } seen) continue;
            used = seen;
            break;
        }

        bool wasTrue = used is >= 0 and < 62 && (instants.Value & (1L << (int)used)) != 0;
        _run.Require(wasTrue, $"what is read was true at some instant (I3)");
        if (!isImpatient) yield break;
        yield return null;
        _readersFirst.Add(-1);
    }

    protected virtual IEnumerable<Gate?> Begin()
    {
        while (true)
        {
            yield return null;
            _begun.Add(1);
            yield return null;
            if (_readersFirst.Read() == 0) yield break;
            foreach (Gate? gate in End()) yield return gate;
            yield return () => _readersFirst.Value == 0;
        }
    }

    protected virtual IEnumerable<Gate?> End()
    {
        yield return null;
        _ended.Add(1);
    }

    // While a move is under way the real loop only turns once more.
    protected virtual IEnumerable<Gate?> Look(StrongBox accepted)
    {
        yield return () => _begun.Value == _ended.Value;
        long ended = _ended.Read();
        long used = 0;
        foreach (Gate? gate in ReadBoth(value => used = value)) yield return gate;
        yield return null;
        if (_begun.Read() == ended) accepted.Used = used;
    }

    protected IEnumerable<Gate?> ReadBoth(Action<long> found)
    {
        yield return null;
        long taken = _taken.Read();
        yield return null;
        long first = _balances[0].Read();
        yield return null;
        long second = _balances[1].Read();
        found(Math.Max(0, taken - first - second));
    }

    private Word Slot => _balances[_place.Value];

    private long Instant() => 1L << (int)_used.Value;

    private IEnumerable<Gate?> Lock()
    {
        yield return () => _lock.Value == 0;
        _lock.Write(1);
    }

    private void Unlock() => _lock.Value = 0;

    protected sealed class StrongBox
    {
        public long? Used { get; set; }
    }
}

/// <summary>Canary: a move is counted once, at its end. It can lie around the whole reading.</summary>
internal sealed class CountsMovesAtTheirEnd(Run run) : ReadProtocol(run)
{
    protected override IEnumerable<Gate?> Begin() => [];

    protected override IEnumerable<Gate?> End()
    {
        yield return null;
        Begun.Value++;
        Ended.Add(1);
    }
}

/// <summary>Canary: moves are not counted.</summary>
internal sealed class CountsNoMoves(Run run) : ReadProtocol(run)
{
    protected override IEnumerable<Gate?> Begin() => [];

    protected override IEnumerable<Gate?> End() => [];
}

/// <summary>Canary: the reader compares what has begun before and after, and misses a move that is under way.</summary>
internal sealed class ComparesBeginningsOnly(Run run) : ReadProtocol(run)
{
    protected override IEnumerable<Gate?> Look(StrongBox accepted)
    {
        yield return null;
        long begun = Begun.Read();
        long used = 0;
        foreach (Gate? gate in ReadBoth(value => used = value)) yield return gate;
        yield return null;
        if (Begun.Read() == begun) accepted.Used = used;
    }
}
