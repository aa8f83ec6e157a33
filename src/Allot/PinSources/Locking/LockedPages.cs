// Which pages of the process are locked, by whom, and who pays. The system locks pages, not calls: a page is locked or
// it is not, and one munlock ends what two mlocks have begun. Here the pages of one holder are a set too; but a page
// stays locked until the last of its holders lets go, so that buffers that share a page do not unlock each other.
//
// Each locked page is charged once: to the first of its holders. When he lets go before the others, the next one takes
// the bytes over, limit or not.
//
// Protocol. What is done to a range is: enter it (nobody else is in a range that overlaps it), charge, call the system,
// record, leave. The lock is held for the short steps and not over the call, so that threads lock different pages at
// the same time. Never less is charged than is locked: charged before, given back after.
//
// Pages that nobody else has are recorded as locked when they are entered, and as unlocked likewise, and put back if
// the system refuses: nobody looks at them meanwhile, because they are entered. So the lock is taken once, and to leave
// is one write.
//
// Order: a range, then the gate of an account. The list of segments moves its tail when one is inserted; there are
// never many, because the system allows a process some 65,000 mappings.

using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Allot;

/// <summary>The locked pages of one address space.</summary>
internal sealed class LockedPages(IMemoryLocks system)
{
    // Ascending and not overlapping; neighbours have different holders.
    private readonly List<Segment> _segments = [];

    // Whose call is in which range now, and some that have ended since somebody looked.
    private readonly List<RangeCall> _calls = [];
    private readonly SpinGate _gate = new();

    // == the sum of the lengths of _segments. Written under the gate.
    private long _bytes;

    /// <summary>Those of this process.</summary>
    public static LockedPages OfProcess { get; } =
        new(OperatingSystem.IsWindows() ? new WindowsMemoryLocks() : new UnixMemoryLocks());

    /// <summary>What is locked: each page once.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Locks pages for a holder.</summary>
    /// <param name="holder">Who is charged for those that nobody has locked yet.</param>
    /// <param name="range">The pages.</param>
    /// <param name="onFault">Whether they are locked as they are touched.</param>
    /// <param name="refusal">When false is returned: who refused.</param>
    /// <returns>False when a limit refused; nothing has changed.</returns>
    /// <exception cref="MemoryLockException">The system refused; nothing has changed.</exception>
    /// <exception cref="ObjectDisposedException">The holder is closed.</exception>
    public bool TryLock(LockHolder holder, PageRange range, bool onFault, out ChargeRefusal refusal)
    {
        refusal = default;
        if (range.Bytes == 0) return true;
        Gaps gaps = default;
        bool isRecorded = false, isLocked = false;
        RangeCall? call = null;
        try
        {
            using (Enter(holder, range, out call))
            {
                ObjectDisposedException.ThrowIf(holder.IsClosed, typeof(MemoryLocker));
                isRecorded = TryAddFree_NeedsGate(holder, range);
                gaps = isRecorded ? new Gaps(range.Bytes, range, Others: null) : FindGaps_NeedsGate(range);
            }

            if (!holder.Account.TryPin(gaps.Bytes, out refusal)) return false;
            int error = LockGaps(range, onFault, gaps);
            isLocked = error == 0;
            if (isLocked) return true;

            // The system may have locked the beginning.
            if (gaps.Bytes > 0) _ = system.Unlock(gaps.First);
            foreach (PageRange gap in gaps.Others ?? []) _ = system.Unlock(gap);
            holder.Account.Unpin(gaps.Bytes);
            throw MemoryLockException.OfLock(range, error, isRecorded ? Bytes - range.Bytes : Bytes);
        }
        finally
        {
            if (isRecorded != isLocked) Record(holder, range, isLocked);
            call?.End();
        }
    }

    // What was not known when the range was entered.
    private void Record(LockHolder holder, PageRange range, bool isLocked)
    {
        using (_gate.EnterScope())
        {
            if (isLocked) Add_NeedsGate(holder, range);
            else _ = Remove_NeedsGate(holder, range);
        }
    }

    /// <summary>Unlocks what a holder has locked in a range; what others hold of it stays locked.</summary>
    /// <returns>0, or the first error of the system: what it did not unlock stays the holder's.</returns>
    public int Unlock(LockHolder holder, PageRange range)
    {
        if (range.Bytes == 0) return 0;
        int firstError = 0;
        bool isAlone = false;
        RangeCall? call = null;
        try
        {
            bool isFound;
            Segment held;
            using (Enter(holder, range, out call))
            {
                isFound = TryFindHeld_NeedsGate(holder, range, out held);
                isAlone = isFound && held.Range == range && held.Holders.Length == 1;
                if (isAlone) _ = Remove_NeedsGate(holder, range);
            }

            if (isAlone) return UnlockAlone(holder, range);
            while (isFound)
            {
                nuint from = held.Range.End;
                int error = Unlock_InRange(holder, held);
                if (firstError == 0) firstError = error;
                isFound = from < range.End && TryFindHeld(holder, range with { Start = from }, out held);
            }
        }
        finally
        {
            call?.End();
        }

        return firstError;
    }

    // The common case: all of the range, and nobody else's.
    private int UnlockAlone(LockHolder holder, PageRange range)
    {
        int error = system.Unlock(range);
        if (error == 0) holder.Account.Unpin(range.Bytes);
        else Record(holder, range, isLocked: true);
        return error;
    }

    /// <summary>Lets a holder lock nothing any more, and returns when none of its calls is under way.</summary>
    public void Close(LockHolder holder)
    {
        SteadySpin spin = default;
        while (true)
        {
            using (_gate.EnterScope())
            {
                holder.IsClosed = true;
                if (!IsEntered_NeedsGate(holder)) return;
            }

            spin.Once();
        }
    }

    /// <summary>Unlocks all that a holder has locked, and closes it.</summary>
    public int UnlockAll(LockHolder holder)
    {
        var all = new PageRange(0, nuint.MaxValue);
        Close(holder);
        int firstError = 0;
        while (firstError == 0 && !HoldsNothing(holder))
        {
            nuint from = 0;
            while (TryFindHeld(holder, all with { Start = from }, out Segment held))
            {
                from = held.Range.End;
                int error = Unlock(holder, held.Range);
                if (firstError == 0) firstError = error;
            }

            // What others were unlocking meanwhile is unlocked by now, or there again.
            Close(holder);
        }

        return firstError;
    }

    // In one look: a call that is under way has taken its pages off the list, and still passes on what was paid.
    private bool HoldsNothing(LockHolder holder)
    {
        using (_gate.EnterScope())
        {
            return !IsEntered_NeedsGate(holder)
                && !TryFindHeld_NeedsGate(holder, new PageRange(0, nuint.MaxValue), out _);
        }
    }

    /// <summary>Has a range unmapped, which unlocks it whoever has locked it, gives back what was paid for it, and
    /// closes its owner.</summary>
    /// <param name="holder">Whose memory it is.</param>
    /// <param name="range">The pages.</param>
    /// <param name="unmap">Gives the pages back to the system.</param>
    public void Unmap(LockHolder holder, PageRange range, Action<PageRange> unmap)
    {
        Close(holder);
        RangeCall call;
        using (Enter(holder, range, out call))
        {
        }

        try
        {
            unmap(range);
            var paid = new List<(PinAccount Account, long Bytes)>();
            using (_gate.EnterScope()) Forget_NeedsGate(range, paid);
            foreach ((PinAccount account, long bytes) in paid) account.Unpin(bytes);
        }
        finally
        {
            call.End();
        }
    }

    /// <summary>The bytes that a holder has locked, whoever pays for them.</summary>
    public long BytesOf(LockHolder holder)
    {
        long bytes = 0;
        using (_gate.EnterScope())
        {
            foreach (Segment segment in CollectionsMarshal.AsSpan(_segments))
            {
                if (segment.IsOf(holder)) bytes += segment.Range.Bytes;
            }
        }

        return bytes;
    }

    /// <summary>The locked ranges, ascending, neighbours merged.</summary>
    public List<PageRange> Ranges()
    {
        List<PageRange> ranges = [];
        using (_gate.EnterScope())
        {
            foreach (Segment segment in CollectionsMarshal.AsSpan(_segments))
            {
                if (ranges.Count > 0 && ranges[^1].End == segment.Range.Start)
                {
                    ranges[^1] = ranges[^1] with { End = segment.Range.End };
                }
                else
                {
                    ranges.Add(segment.Range);
                }
            }
        }

        return ranges;
    }

    /// <summary>Checks what always holds. At any time.</summary>
    public void Validate()
    {
        using (_gate.EnterScope())
        {
            long bytes = 0;
            nuint end = 0;
            LockHolder[] before = [];
            foreach (Segment segment in CollectionsMarshal.AsSpan(_segments))
            {
                Require(segment.Range.Start >= end, "Segments ascend and do not overlap.");
                Require(segment.Range.Bytes > 0, "No segment is empty.");
                Require(segment.Holders.Length > 0, "Who is locked is held.");
                bool isMerged = segment.Range.Start != end || segment.Holders != before || before.Length > 1;
                Require(isMerged, "Neighbours of one holder are one segment.");
                (end, before) = (segment.Range.End, segment.Holders);
                bytes += segment.Range.Bytes;
            }

            Require(bytes == _bytes, "The sum is over the segments.");
        }

        static void Require(bool holds, string what)
        {
            if (!holds) throw new InvalidOperationException(what);
        }
    }

    private int Unlock_InRange(LockHolder holder, Segment held)
    {
        bool isLast = held.Holders.Length == 1, pays = held.Holders[0] == holder;
        if (isLast && system.Unlock(held.Range) is var error and not 0) return error;
        LockHolder[] rest;
        using (_gate.EnterScope()) rest = Remove_NeedsGate(holder, held.Range);
        if (!pays) return 0;

        // Nobody lets go of an account before all that he has locked, and that includes the range that we are in.
        if (isLast) holder.Account.Unpin(held.Range.Bytes);
        else holder.Account.PassOn(rest[0].Account, held.Range.Bytes);
        return 0;
    }

    private int LockGaps(PageRange range, bool onFault, in Gaps gaps)
    {
        // Brought in as a whole: what another holder has locked on fault may not be there yet.
        if (!onFault) return system.Lock(range, onFault: false);
        int error = gaps.First.Bytes == 0 ? 0 : system.Lock(gaps.First, onFault: true);
        foreach (PageRange gap in gaps.Others ?? [])
        {
            if (error == 0) error = system.Lock(gap, onFault: true);
        }

        return error;
    }

    // The common case: nobody has any of it.
    private bool TryAddFree_NeedsGate(LockHolder holder, PageRange range)
    {
        int i = IndexOf_NeedsGate(range.Start);
        if (i < _segments.Count && _segments[i].Range.Start < range.End) return false;
        _segments.Insert(i, new Segment(range, holder.Alone));
        Volatile.Write(ref _bytes, _bytes + range.Bytes);
        MergeAt_NeedsGate(i + 1);
        MergeAt_NeedsGate(i);
        return true;
    }

    private Gaps FindGaps_NeedsGate(PageRange range)
    {
        PageRange first = default;
        long bytes = 0;
        List<PageRange>? others = null;
        nuint from = range.Start;
        for (int i = IndexOf_NeedsGate(range.Start); from < range.End; i++)
        {
            bool isSegment = i < _segments.Count && _segments[i].Range.Start < range.End;
            nuint to = isSegment ? _segments[i].Range.Start : range.End;
            if (to > from)
            {
                var gap = new PageRange(from, to);
                bytes += gap.Bytes;
                if (first.Bytes == 0) first = gap;
                else (others ??= []).Add(gap);
            }

            if (!isSegment) break;
            from = _segments[i].Range.End;
        }

        return new Gaps(bytes, first, others);
    }

    private bool TryFindHeld(LockHolder holder, PageRange range, out Segment held)
    {
        using (_gate.EnterScope()) return TryFindHeld_NeedsGate(holder, range, out held);
    }

    private bool TryFindHeld_NeedsGate(LockHolder holder, PageRange range, out Segment held)
    {
        for (int i = IndexOf_NeedsGate(range.Start); i < _segments.Count; i++)
        {
            Segment segment = _segments[i];
            if (segment.Range.Start >= range.End) break;
            if (!segment.IsOf(holder)) continue;
            held = segment with { Range = segment.Range.Shared(range) };
            return true;
        }

        held = default;
        return false;
    }

    private void Add_NeedsGate(LockHolder holder, PageRange range)
    {
        SplitAt_NeedsGate(range.Start);
        SplitAt_NeedsGate(range.End);
        nuint from = range.Start;
        int i = IndexOf_NeedsGate(range.Start);
        while (from < range.End)
        {
            bool isSegment = i < _segments.Count && _segments[i].Range.Start < range.End;
            nuint to = isSegment ? _segments[i].Range.Start : range.End;
            if (to > from)
            {
                _segments.Insert(i, new Segment(new PageRange(from, to), holder.Alone));
                Volatile.Write(ref _bytes, _bytes + (long)(to - from));
            }
            else
            {
                Segment segment = _segments[i];
                to = segment.Range.End;
                bool isHeld = segment.IsOf(holder);
                if (!isHeld) _segments[i] = segment with { Holders = [.. segment.Holders, holder] };
            }

            from = to;
            i++;
        }

        Merge_NeedsGate(range);
    }

    private LockHolder[] Remove_NeedsGate(LockHolder holder, PageRange range)
    {
        int i = IndexOf_NeedsGate(range.Start);
        if (_segments[i].Range != range)
        {
            SplitAt_NeedsGate(range.Start);
            SplitAt_NeedsGate(range.End);
            i = IndexOf_NeedsGate(range.Start);
        }

        Segment segment = _segments[i];
        Debug.Assert(segment.Range == range, "What is removed is of one segment.");
        LockHolder[] rest = segment.Holders.Length == 1 ? [] : Array.FindAll(segment.Holders, other => other != holder);
        if (rest.Length == 0)
        {
            _segments.RemoveAt(i);
            Volatile.Write(ref _bytes, _bytes - range.Bytes);
            return rest;
        }

        _segments[i] = segment with { Holders = rest.Length == 1 ? rest[0].Alone : rest };
        Merge_NeedsGate(range);
        return rest;
    }

    private void Merge_NeedsGate(PageRange range)
    {
        int i = IndexOf_NeedsGate(range.Start);
        while (i < _segments.Count && _segments[i].Range.Start <= range.End)
        {
            if (!MergeAt_NeedsGate(i)) i++;
        }
    }

    // A segment with the one before it, where one and the same holder has both alone.
    private bool MergeAt_NeedsGate(int i)
    {
        if (i == 0 || i == _segments.Count) return false;
        ref Segment before = ref CollectionsMarshal.AsSpan(_segments)[i - 1];
        Segment segment = _segments[i];
        if (before.Range.End != segment.Range.Start || before.Holders != segment.Holders) return false;
        before = before with { Range = before.Range with { End = segment.Range.End } };
        _segments.RemoveAt(i);
        return true;
    }

    // Whoever holds it; who has paid for how much of it.
    private void Forget_NeedsGate(PageRange range, List<(PinAccount Account, long Bytes)> paid)
    {
        SplitAt_NeedsGate(range.Start);
        SplitAt_NeedsGate(range.End);
        int first = IndexOf_NeedsGate(range.Start), end = first;
        for (; end < _segments.Count && _segments[end].Range.Start < range.End; end++)
        {
            Segment segment = _segments[end];
            paid.Add((segment.Holders[0].Account, segment.Range.Bytes));
            Volatile.Write(ref _bytes, _bytes - segment.Range.Bytes);
        }

        _segments.RemoveRange(first, end - first);
    }

    private void SplitAt_NeedsGate(nuint address)
    {
        int i = IndexOf_NeedsGate(address);
        if (i == _segments.Count || _segments[i].Range.Start >= address) return;
        Segment segment = _segments[i];
        _segments[i] = segment with { Range = segment.Range with { End = address } };
        _segments.Insert(i + 1, segment with { Range = segment.Range with { Start = address } });
    }

    /// <summary>The first segment that ends after an address.</summary>
    private int IndexOf_NeedsGate(nuint address)
    {
        Debug.Assert(_gate.IsHeld, "The segments change under the gate.");
        ReadOnlySpan<Segment> segments = CollectionsMarshal.AsSpan(_segments);
        int low = 0, high = segments.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (segments[middle].Range.End > address) high = middle;
            else low = middle + 1;
        }

        return low;
    }

    /// <summary>Waits until nobody is in the range, and is in it then, until the call is ended. Returns holding the
    /// gate.</summary>
    private SpinGate.Scope Enter(LockHolder holder, PageRange range, out RangeCall call)
    {
        SteadySpin spin = default;
        while (true)
        {
            SpinGate.Scope gate = _gate.EnterScope();
            bool isEntered = false;
            try
            {
                if (!IsEntered_NeedsGate(range))
                {
                    call = Begin_NeedsGate(holder, range);
                    isEntered = true;
                    return gate;
                }
            }
            finally
            {
                if (!isEntered) gate.Dispose();
            }

            spin.Once();
        }
    }

    private RangeCall Begin_NeedsGate(LockHolder holder, PageRange range)
    {
        RangeCall call = holder.LastCall is { IsUnderWay: false } ended ? ended : new RangeCall(holder);
        holder.LastCall = call;
        if (!call.IsListed) _calls.Add(call);
        call.IsListed = true;
        call.Begin(range);
        return call;
    }

    // Takes those off the list that have ended.
    private bool IsEntered_NeedsGate(PageRange range)
    {
        for (int i = _calls.Count - 1; i >= 0; i--)
        {
            RangeCall call = _calls[i];
            if (!call.IsUnderWay)
            {
                call.IsListed = false;
                _calls[i] = _calls[^1];
                _calls.RemoveAt(_calls.Count - 1);
            }
            else if (call.Range.Overlaps(range))
            {
                return true;
            }
        }

        return false;
    }

    private bool IsEntered_NeedsGate(LockHolder holder)
    {
        foreach (RangeCall call in CollectionsMarshal.AsSpan(_calls))
        {
            if (call.Holder == holder && call.IsUnderWay) return true;
        }

        return false;
    }

    /// <summary>Pages that the same holders have; the first of them pays.</summary>
    private readonly record struct Segment(PageRange Range, LockHolder[] Holders)
    {
        public bool IsOf(LockHolder holder) =>
            Holders[0] == holder || (Holders.Length > 1 && Array.IndexOf(Holders, holder) > 0);
    }

    /// <summary>The parts of a range that nobody has locked: most often it is one.</summary>
    private readonly record struct Gaps(long Bytes, PageRange First, List<PageRange>? Others);
}
