// What all threads together may hold in advance from one tree, and the gate through which it is taken back.
//
// The gate serialises whoever needs exact counters: a charge that would be refused, a limit that changes, a group that
// is removed, a peak that starts again. Its holder marks a counter exact (MemoryCounter.IsExact); until the mark is
// lifted no thread takes a reserve below that counter, and every other charge through it waits at the gate.
// ThreadReserves.cs has the protocol as a whole.
//
// Lock order: the gate, the lock of the tree, the lock of one thread's reserves. No foreign code runs under any.

using System.Collections.Concurrent;
using System.Diagnostics;

namespace Allot;

internal sealed class TreeReserves
{
    // How long a reserve may lie untouched before it is taken back.
    private static readonly TimeSpan s_trimPeriod = TimeSpan.FromSeconds(1);

    private readonly SteadyLock _gate = new();
    private readonly SteadyLock _timerGate = new();
    private readonly TimeProvider _time;
    private readonly Action<MemoryCounter, long> _report;
    private readonly ConcurrentQueue<Missing> _missing = new();

    // Under the gate: what its holder has marked. Kept, so that a refusal allocates nothing.
    private readonly List<MemoryCounter> _exact = [];

    // The capacities of all bound slots: 0 <= _capacityBytes <= MaxBytes.
    private long _capacityBytes;
    private int _boundSlots;
    private volatile bool _knowsHigh;
    private ITimer? _timer;

    /// <param name="maxBytes">0 or more; with 0 no thread holds anything in advance.</param>
    /// <param name="time">When it is time to look for idle reserves.</param>
    /// <param name="report">Told how many bytes were uncharged from a counter that did not hold them.</param>
    public TreeReserves(long maxBytes, TimeProvider time, Action<MemoryCounter, long> report)
    {
        Debug.Assert(maxBytes >= 0, "A bound is never negative.");
        MaxBytes = maxBytes;
        _time = time;
        _report = report;
        Waiting = new TreeWaiting(_gate);
    }

    /// <summary>The most bytes that all threads together hold in advance.</summary>
    public long MaxBytes { get; }

    /// <summary>Called under the gate before a limit changes; it may refuse by throwing.</summary>
    public Action<MemoryCounter, long>? BeforeLimit { get; init; }

    public SteadyLock Gate => _gate;

    /// <summary>The charges that wait for room.</summary>
    public TreeWaiting Waiting { get; }

    /// <summary>Whether a counter of the tree has, or ever had, a soft limit or somebody who watches: if not, nobody
    /// looks for one.</summary>
    public bool KnowsHigh
    {
        get => _knowsHigh;
        set => _knowsHigh = value;
    }

    /// <summary>How many slots of all threads are bound to counters of this tree.</summary>
    public int BoundSlots => Volatile.Read(ref _boundSlots);

    /// <summary>The moves of bytes between the tree and slots.</summary>
    public ReserveMoves Moves { get; } = new();

    /// <summary>Bytes that were uncharged and had never been charged: kept until no lock is held, then
    /// reported.</summary>
    public void NoteMissing(MemoryCounter counter, long bytes)
    {
        if (bytes > 0) _missing.Enqueue(new Missing(counter, bytes));
    }

    /// <summary>Whether <see cref="Settle"/> has anything to do.</summary>
    public bool IsUnsettled => !_missing.IsEmpty || Waiting.IsUnserved;

    /// <summary>What is left to do after a change: accounting errors are reported, and those who wait get what room has
    /// come. Called without locks, because it runs foreign code.</summary>
    public void Settle()
    {
        Debug.Assert(!_gate.IsHeldByCurrentThread, "Foreign code runs without locks.");
        Waiting.Serve();
        while (_missing.TryDequeue(out Missing? found)) _report(found.Counter, found.Bytes);
    }

    /// <summary>Charges exactly, after all that is held in advance below the level without room was taken back (I2).
    /// </summary>
    /// <param name="counter">The counter to charge.</param>
    /// <param name="bytes">More than 0.</param>
    /// <param name="limiter">Before: the level that has refused, or null. After: the level that has no room; null on
    /// success, and when the group was removed.</param>
    public bool TryChargeExactly(MemoryCounter counter, long bytes, ref MemoryCounter? limiter)
    {
        using ExactScope exact = EnterExact();
        return TryExactly_NeedsGate(source: null, counter, bytes, ref limiter);
    }

    /// <summary>Moves charged bytes to another counter of the same sort and tree, at one instant for whoever charges.
    /// </summary>
    /// <param name="source">The counter that is charged.</param>
    /// <param name="target">The counter that is to be charged instead.</param>
    /// <param name="bytes">More than 0; they are charged to the source.</param>
    /// <param name="limiter">The level of the target that has no room; null on success, and when it was
    /// removed.</param>
    public bool TryMove(MemoryCounter source, MemoryCounter target, long bytes, out MemoryCounter? limiter)
    {
        bool moved;
        limiter = null;
        using (EnterExact()) moved = TryExactly_NeedsGate(source, target, bytes, ref limiter);
        Settle();
        return moved;
    }

    /// <summary>Uncharges a counter whose numbers are what is used.</summary>
    /// <returns>Bytes that were not there to give back.</returns>
    public long UnchargeExactly(MemoryCounter counter, long bytes)
    {
        using ExactScope exact = EnterExact();
        MakeExact_NeedsGate(counter);
        return counter.UnchargePath(bytes);   // the caller settles
    }

    /// <summary>Sets a limit. A lower one comes into force over what is used, with nothing left to spend above it.
    /// </summary>
    public void SetMax(MemoryCounter counter, long maxBytes)
    {
        using (EnterExact())
        {
            BeforeLimit?.Invoke(counter, maxBytes);
            bool hasHigh = counter.HighBytes != long.MaxValue;   // then TryFindRoom reads the limit as well
            if (maxBytes < counter.MaxBytes || hasHigh) MakeExact_NeedsGate(counter);
            counter.SetMax(maxBytes);
            if (counter.HasLine) Waiting.NoteRoom();
        }

        Waiting.EndHopeless();
        Settle();
    }

    /// <summary>Sets a soft limit. Under a lower one nothing is left to spend unseen.</summary>
    public void SetHigh(MemoryCounter counter, long highBytes)
    {
        using (EnterExact())
        {
            KnowsHigh = true;
            if (highBytes < counter.HighBytes) MakeExact_NeedsGate(counter);
            counter.HighBytes = highBytes;
        }

        Settle();
    }

    /// <summary>Charges, or stands in line: see <see cref="TreeWaiting.StandInLine"/>. What was held in advance below
    /// the new line comes back.</summary>
    /// <param name="waiter">A new waiter.</param>
    /// <param name="limiter">The level that has refused it; null when there only was a line before it.</param>
    public void StandInLine(ChargeWaiter waiter, MemoryCounter? limiter)
    {
        Waiting.StandInLine(waiter, limiter);
        Settle();
    }

    /// <summary>Lets every charge below the counter be seen, or no longer.</summary>
    /// <param name="counter">Whose charges.</param>
    /// <param name="isWanted">Asked under the gate, so that of several changes at once the last one sees what is
    /// wanted last. Takes no lock.</param>
    public void SetWatched(MemoryCounter counter, Func<bool> isWanted)
    {
        using (EnterExact())
        {
            bool isWatched = isWanted();
            KnowsHigh = true;
            if (isWatched) MakeExact_NeedsGate(counter);
            counter.IsWatched = isWatched;
        }

        Settle();
    }

    /// <summary>Takes back everything held in advance below the counter.</summary>
    public void TakeBack(MemoryCounter counter)
    {
        using (_gate.EnterScope()) ThreadReserves.TakeBack_NeedsGate(counter, idleOnly: false);
        Settle();
    }

    /// <summary>Takes back what lay untouched since the last call, and what dead threads left.</summary>
    public void Trim(MemoryCounter root)
    {
        using (_gate.EnterScope()) ThreadReserves.TakeBack_NeedsGate(root, idleOnly: true);
        ReserveRegistry.Sweep();
        Settle();
    }

    /// <summary>Reserves capacity for a slot: the amount asked for, or nothing.</summary>
    public bool TryTakeCapacity(long bytes)
    {
        long taken = Volatile.Read(ref _capacityBytes);
        while (bytes <= MaxBytes - taken)
        {
            long seen = Interlocked.CompareExchange(ref _capacityBytes, taken + bytes, taken);
            if (seen == taken) return true;
            taken = seen;
        }

        return false;
    }

    public void ReturnCapacity(long bytes)
    {
        long left = Interlocked.Add(ref _capacityBytes, -bytes);
        Debug.Assert(left >= 0, "A slot returns what it took.");
    }

    /// <returns>Whether it is the only one, so that <see cref="KeepTrimmed"/> is due.</returns>
    public bool CountBound() => Interlocked.Increment(ref _boundSlots) == 1;

    public void CountUnbound()
    {
        int left = Interlocked.Decrement(ref _boundSlots);
        Debug.Assert(left >= 0, "A slot is unbound once.");
    }

    /// <summary>Looks after idle reserves from here on, until there are none. Takes no lock of the protocol.</summary>
    public void KeepTrimmed(MemoryCounter root)
    {
        using (_timerGate.EnterScope())
        {
            _timer ??= CreateTimer(root);
            if (BoundSlots > 0) _timer.ChangeSteadily(s_trimPeriod, s_trimPeriod);
        }
    }

    private ITimer CreateTimer(MemoryCounter root) => QuietTimer.Create(_time, _ => TrimOnTime(root), null);

    private void TrimOnTime(MemoryCounter root)
    {
        Trim(root);
        using (_timerGate.EnterScope())
        {
            // Who binds a slot counts it first and starts the timer second, so one of us sees the other.
            if (BoundSlots == 0) _timer!.ChangeSteadily(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    // Charges the target, or moves there what the source has. Each level that refuses is made exact, and asked again.
    private bool TryExactly_NeedsGate(
        MemoryCounter? source, MemoryCounter target, long bytes, ref MemoryCounter? limiter)
    {
        Debug.Assert(_gate.IsHeldByCurrentThread, "Counters are exact under the gate.");
        while (!target.IsClosed)
        {
            if (limiter is not null) MakeExact_NeedsGate(limiter);
            limiter = source is null
                ? Waiting.FindPromise_NeedsGate(target, bytes)
                : Waiting.FindPromiseToMove_NeedsGate(source, target, bytes);
            if (limiter is not null) return false;
            bool isDone = source is null
                ? target.TryChargePath(bytes, out limiter)
                : TryMove_NeedsGate(source, target, bytes, out limiter);
            if (isDone)
            {
                Waiting.Overtake_NeedsGate(target, bytes, source);
                return true;
            }

            if (limiter!.IsExact) return false;
        }

        limiter = null;
        return false;
    }

    private bool TryMove_NeedsGate(
        MemoryCounter source, MemoryCounter target, long bytes, out MemoryCounter? limiter)
    {
        // Peaks first: what the source has used at most is known only while the bytes stand on it.
        source.NotePeaks();
        if (!source.TryMovePath(target, bytes, out limiter)) return false;
        target.NotePeaks();
        Waiting.NoteRoom();
        return true;
    }

    private ExactScope EnterExact() => new(this, _gate.EnterScope());

    private void MakeExact_NeedsGate(MemoryCounter counter)
    {
        Debug.Assert(_gate.IsHeldByCurrentThread, "Counters are exact under the gate.");
        Debug.Assert(!counter.IsExact, "A counter is marked once.");
        _exact.Add(counter);
        counter.IsExact = true;
        ThreadReserves.TakeBack_NeedsGate(counter, idleOnly: false);
    }

    private void EndExact_NeedsGate()
    {
        Debug.Assert(_gate.IsHeldByCurrentThread, "Counters are exact under the gate.");
        foreach (MemoryCounter counter in _exact) counter.IsExact = false;
        _exact.Clear();
    }

    /// <summary>The gate, and what is made exact under it: the marks are lifted before it is left.</summary>
    private readonly ref struct ExactScope
    {
        private readonly TreeReserves _tree;
        private readonly SteadyLock.Scope _gate;

        public ExactScope(TreeReserves tree, SteadyLock.Scope gate)
        {
            _tree = tree;
            _gate = gate;
        }

        public void Dispose()
        {
            try
            {
                _tree.EndExact_NeedsGate();
            }
            finally
            {
                _gate.Dispose();
            }
        }
    }

    // A class: the framework has code compiled ahead of time for a queue of references, and this one is looked at
    // often.
    private sealed record Missing(MemoryCounter Counter, long Bytes);
}
