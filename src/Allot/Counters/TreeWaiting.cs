// The lines of charges that wait for room, one at each level that had none.
//
// Protocol. Lines change under the gate of the tree. While a level has a line (MemoryCounter.HasLine), every charge
// through it comes to the gate, and no thread holds bytes below it in advance, so what is uncharged is room at once.
//   No lost wake-up: who waits marks the level, then tries once more; who uncharges adds the room, then looks for the
//   mark. Both are separated by a full fence, so one of them sees the other. Who finds the mark serves the line, after
//   leaving all locks (Serve).
//   Order: a line is sorted by arrival in the tree. The first is served first; whoever is refused by another level
//   moves to that line and keeps its place in the order.
//   No starvation: later arrivals that wait stand behind. A charge that does not wait may pass, because refusing what
//   fits is worse than waiting a little longer, but only so often: past each waiter go at most as many bytes as it
//   waits for. From then on the room is promised to it, and who wants to pass is refused.

using System.Diagnostics;

namespace Allot;

internal sealed class TreeWaiting(SteadyLock gate)
{
    // Under the gate. A level has an entry if and only if its HasLine is true; no line is empty.
    private readonly Dictionary<MemoryCounter, LinkedList<ChargeWaiter>> _lines = [];
    private long _lastTicket;

    // Set when room has come to a level with a line; who sets it calls Serve once it holds no lock.
    private int _roomCame;

    /// <summary>Notes that a level with a line has more room, or another limit. Takes no lock.</summary>
    public void NoteRoom() => Volatile.Write(ref _roomCame, 1);

    /// <summary>Whether room has come that nobody was served with.</summary>
    public bool IsUnserved => Volatile.Read(ref _roomCame) != 0;

    /// <summary>Charges, or stands in line. What comes of it is told by <see cref="ChargeWaiter.Done"/>. Called through
    /// <see cref="TreeReserves.StandInLine"/>.</summary>
    /// <param name="waiter">A new waiter.</param>
    /// <param name="limiter">The level that has refused it; null when there only was a line before it.</param>
    public void StandInLine(ChargeWaiter waiter, MemoryCounter? limiter)
    {
        bool isCharged = false, isHopeless = false;
        using (gate.EnterScope())
        {
            waiter.Ticket = ++_lastTicket;
            MemoryCounter? line = waiter.Counter.Path.FirstOrDefault(static level => level.HasLine);
            if (waiter.Counter.IsClosed) isHopeless = true;
            else if (line is not null) JoinLine_NeedsGate(waiter, line);
            else isCharged = TryServe_NeedsGate(waiter, limiter ?? waiter.Counter);
        }

        if (isCharged) waiter.End(WaitOutcome.Charged);
        if (isHopeless) waiter.End(WaitOutcome.Hopeless);
        NoteRoom();   // a limit may have changed before we stood in line; the caller settles
    }

    /// <summary>Takes a waiter out of its line, if it still stands in one.</summary>
    /// <returns>Whether it did.</returns>
    public bool Leave(ChargeWaiter waiter)
    {
        using (gate.EnterScope())
        {
            if (waiter.WaitsAt is null) return false;
            LeaveLine_NeedsGate(waiter);
        }

        NoteRoom();   // what was promised to it is for the others
        Serve();
        return true;
    }

    /// <summary>Lets those go who have room now. Called without locks.</summary>
    public void Serve()
    {
        while (Volatile.Read(ref _roomCame) != 0)
        {
            var ended = new List<(ChargeWaiter Waiter, WaitOutcome Outcome, MemoryCounter? Limiter)>();
            using (gate.EnterScope())
            {
                // First cleared, then looked: room that comes later sets it again.
                Interlocked.Exchange(ref _roomCame, 0);
                foreach (MemoryCounter level in (MemoryCounter[])[.. _lines.Keys]) ServeLine_NeedsGate(level, ended);
            }

            foreach ((ChargeWaiter waiter, WaitOutcome outcome, MemoryCounter? limiter) in ended)
            {
                waiter.End(outcome, limiter);
            }
        }
    }

    /// <summary>Ends the waits that cannot end well, wherever in line they stand: in groups that have ended, or below a
    /// limit that is lower than the request. Called without locks.</summary>
    public void EndHopeless()
    {
        (ChargeWaiter Waiter, MemoryCounter? TooLow)[] hopeless;
        using (gate.EnterScope())
        {
            if (_lines.Count == 0) return;
            hopeless =
            [
                .. _lines.Values.SelectMany(static line => line)
                    .Select(static one => (one, one.Counter.IsClosed ? null : one.Counter.FindLimitBelow(one.Bytes)))
                    .Where(static found => found.one.Counter.IsClosed || found.Item2 is not null),
            ];
            foreach ((ChargeWaiter waiter, _) in hopeless) LeaveLine_NeedsGate(waiter);
        }

        foreach ((ChargeWaiter waiter, MemoryCounter? tooLow) in hopeless) waiter.End(WaitOutcome.Hopeless, tooLow);
        NoteRoom();   // what was promised to them is for the others
        Serve();
    }

    /// <summary>Whether a waiter is the first of its line.</summary>
    public bool IsFirst(ChargeWaiter waiter)
    {
        using (gate.EnterScope()) return waiter.WaitsAt is { } level && _lines[level].First!.Value == waiter;
    }

    /// <summary>The lowest level of a path whose room is promised to those who wait, if there is one.</summary>
    /// <param name="counter">The counter to charge.</param>
    /// <param name="bytes">How much.</param>
    public MemoryCounter? FindPromise_NeedsGate(MemoryCounter counter, long bytes)
    {
        AssertGate();
        if (_lines.Count == 0) return null;   // nothing is allocated for a refusal where nobody waits
        foreach (MemoryCounter level in counter.Path)
        {
            if (IsPromised_NeedsGate(level, bytes)) return level;
        }

        return null;
    }

    /// <summary>The same for bytes that are charged already: levels that source and target share are not asked.
    /// </summary>
    /// <param name="source">The counter that is charged.</param>
    /// <param name="target">The counter that is to be charged instead.</param>
    /// <param name="bytes">How much.</param>
    public MemoryCounter? FindPromiseToMove_NeedsGate(MemoryCounter source, MemoryCounter target, long bytes)
    {
        AssertGate();
        if (_lines.Count == 0) return null;
        foreach (MemoryCounter level in target.Path)
        {
            if (IsPromised_NeedsGate(level, bytes) && !source.IsChargedOn(level)) return level;
        }

        return null;
    }

    /// <summary>Records that bytes were charged past those who wait.</summary>
    /// <param name="counter">The counter that was charged.</param>
    /// <param name="bytes">How much.</param>
    /// <param name="source">Who had the bytes already: on its levels nobody was passed. Null for nobody.</param>
    public void Overtake_NeedsGate(MemoryCounter counter, long bytes, MemoryCounter? source)
    {
        AssertGate();
        if (_lines.Count == 0) return;
        foreach (MemoryCounter level in counter.Path.Where(static level => level.HasLine))
        {
            if (source is not null && source.IsChargedOn(level)) continue;
            foreach (ChargeWaiter waiter in _lines[level]) waiter.OvertakeBytes -= bytes;
        }
    }

    private bool IsPromised_NeedsGate(MemoryCounter level, long bytes)
    {
        AssertGate();
        if (!level.HasLine) return false;
        foreach (ChargeWaiter waiter in _lines[level])
        {
            if (waiter.OvertakeBytes < bytes) return true;
        }

        return false;
    }

    private void ServeLine_NeedsGate(MemoryCounter level, List<(ChargeWaiter, WaitOutcome, MemoryCounter?)> ended)
    {
        AssertGate();
        while (_lines.TryGetValue(level, out LinkedList<ChargeWaiter>? line))
        {
            ChargeWaiter first = line.First!.Value;
            MemoryCounter? tooLow = first.Counter.FindLimitBelow(first.Bytes);
            if (first.Counter.IsClosed || tooLow is not null)
            {
                LeaveLine_NeedsGate(first);
                ended.Add((first, WaitOutcome.Hopeless, first.Counter.IsClosed ? null : tooLow));
            }
            else if (TryServe_NeedsGate(first, level))
            {
                ended.Add((first, WaitOutcome.Charged, null));
            }
            else if (first.WaitsAt == level)
            {
                return;
            }
        }
    }

    // Charges for a waiter; otherwise it stands in the line of the level that refused.
    private bool TryServe_NeedsGate(ChargeWaiter waiter, MemoryCounter limiter)
    {
        AssertGate();
        while (true)
        {
            if (waiter.WaitsAt != limiter)
            {
                LeaveLine_NeedsGate(waiter);
                JoinLine_NeedsGate(waiter, limiter);
            }

            // The mark before the attempt: JoinLine has a full fence between them.
            if (waiter.Counter.TryChargePath(waiter.Bytes, out MemoryCounter? refusedBy))
            {
                LeaveLine_NeedsGate(waiter);
                waiter.Counter.NotePeaks();
                return true;
            }

            if (refusedBy == limiter) return false;
            limiter = refusedBy!;
        }
    }

    private void JoinLine_NeedsGate(ChargeWaiter waiter, MemoryCounter level)
    {
        AssertGate();
        if (!_lines.TryGetValue(level, out LinkedList<ChargeWaiter>? line))
        {
            _lines[level] = line = new LinkedList<ChargeWaiter>();
            level.HasLine = true;

            // From here on what is uncharged below comes to the tree, and what threads hold in advance comes back.
            ThreadReserves.TakeBack_NeedsGate(level, idleOnly: false);
        }

        LinkedListNode<ChargeWaiter>? before = line.Last;
        while (before is not null && before.Value.Ticket > waiter.Ticket) before = before.Previous;
        if (before is null) line.AddFirst(waiter);
        else line.AddAfter(before, waiter);
        waiter.WaitsAt = level;
        Interlocked.MemoryBarrier();
    }

    private void LeaveLine_NeedsGate(ChargeWaiter waiter)
    {
        AssertGate();
        if (waiter.WaitsAt is not { } level) return;
        LinkedList<ChargeWaiter> line = _lines[level];
        bool stood = line.Remove(waiter);
        Debug.Assert(stood, "A waiter stands in the line that it names.");
        waiter.WaitsAt = null;
        if (line.Count > 0) return;
        _lines.Remove(level);
        level.HasLine = false;
    }

    [Conditional("DEBUG")]
    private void AssertGate() => Debug.Assert(gate.IsHeldByCurrentThread, "Lines are read and changed under the gate.");
}
