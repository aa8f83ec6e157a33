// One large piece of reserved address space, handed out in runs of 64 KiB units and given back to the system when idle.
//
// Terms. The *frontier* is the number of units that were ever part of the arena; beyond it is only reserved address
// space. A free run is *dirty* while the process still holds its memory, and *clean* once that was given back.
//
// Invariants, under the lock: every unit below the frontier is in exactly one run; no two free neighbours are in the
// same state; a free run is in the one list that its state and length name; dirty + clean + in use == frontier.
//
// A dirty run is handed out first: it costs no system call. So a program in a steady state makes none. What stays free
// over a whole tick of Purge is given back, 16 MiB at a time and without the lock, so that nobody waits for it. Joined
// runs have been free for as long as the longest of them, and what is left of a run for as long as the run: so a small
// piece that comes and goes does not hold back much that is idle beside it, nor takes what is in use along with little.
//
// Each unit has a *side record* of the size that the owner of the arena asks for, at SideTable + unit * SideBytes: it
// is committed, and zero at first, before the unit is handed out. The idea of a dense table besides the pages is that
// of tcmalloc's page map; one piece of address space makes it one shift and one addition.

using System.Diagnostics;
using System.Numerics;

namespace Allot;

internal sealed unsafe class PageArena : IDisposable
{
    public const int UnitShift = 16;
    public const int UnitBytes = 1 << UnitShift;

    /// <summary>The address space that is asked for first; then half of it, and so on.</summary>
    public const long ReservedBytesAtMost = 1L << 40;

    private const long ReservedBytesAtLeast = 1L << 28;
    private const int LengthsApart = 63;      // runs of 1 to 63 units have a list each, longer ones share the last
    private const int UnitsPerGrowth = 16;    // 1 MiB at a time, if so much can be had
    private const int UnitsPerPurge = 256;
    private const int None = -1;

    private readonly SteadyLock _lock = new();
    private readonly IPageSource _source;
    private readonly nint _reserved;
    private readonly nuint _reservedBytes;
    private readonly int _unitsMax;
    private readonly PageRun* _runs;
    private readonly int _sideBytes;

    // Under the lock. Lists of free runs, by state and length; bit i of a mask is set if and only if list i has a run.
    private readonly int[] _dirty = NewLists(), _clean = NewLists();
    private ulong _dirtyMask, _cleanMask;
    private int _frontier, _dirtyUnits, _cleanUnits, _tick;
    private nuint _runTableCommitted, _sideTableCommitted;

    /// <summary>Reserves address space.</summary>
    /// <param name="source">The operating system.</param>
    /// <param name="sideBytes">The size of a side record; 0 for none.</param>
    /// <param name="bytes">How much to ask for; if there is less, there is less.</param>
    /// <exception cref="InsufficientMemoryException">There is next to none.</exception>
    public PageArena(IPageSource source, int sideBytes, long bytes = ReservedBytesAtMost)
    {
        Debug.Assert(bytes >= UnitBytes, "An arena has units.");
        _source = source;
        _sideBytes = sideBytes;
        for (long wanted = bytes; ; wanted /= 2)
        {
            _unitsMax = (int)(wanted >> UnitShift);
            nuint runTable = RoundUp((nuint)_unitsMax * (nuint)sizeof(PageRun));
            nuint sideTable = RoundUp((nuint)_unitsMax * (nuint)sideBytes);
            _reservedBytes = ((nuint)_unitsMax << UnitShift) + runTable + sideTable;
            _reserved = source.Reserve(_reservedBytes);
            if (_reserved == 0)
            {
                if (wanted / 2 >= Math.Min(bytes, ReservedBytesAtLeast)) continue;
                throw new InsufficientMemoryException("The system has no address space for an allocator.");
            }

            _runs = (PageRun*)_reserved;
            SideTable = _reserved + (nint)runTable;
            Base = SideTable + (nint)sideTable;
            Debug.Assert(Base % UnitBytes == 0, "The unit of an address is found by a shift.");
            break;
        }
    }

    /// <summary>The address of unit 0.</summary>
    public nint Base { get; }

    /// <summary>The side record of unit 0.</summary>
    public nint SideTable { get; }

    /// <summary>Units that were ever part of the arena. Only grows.</summary>
    public int Frontier => Volatile.Read(ref _frontier);

    /// <summary>The largest run there could ever be.</summary>
    public int UnitsMax => _unitsMax;

    /// <summary>Bytes of runs that are handed out.</summary>
    public long UsedBytes
    {
        get
        {
            using (_lock.EnterScope()) return (long)(_frontier - _dirtyUnits - _cleanUnits) << UnitShift;
        }
    }

    /// <summary>Bytes that the process holds and nobody uses.</summary>
    public long IdleBytes
    {
        get
        {
            using (_lock.EnterScope()) return (long)_dirtyUnits << UnitShift;
        }
    }

    public nint AddressOf(int unit) => Base + ((nint)unit << UnitShift);

    /// <summary>Hands out a run of committed units, whose content is undefined.</summary>
    /// <param name="units">1 or more.</param>
    /// <returns>The first unit; -1 when the system has no memory.</returns>
    public int TryAllocate(int units)
    {
        Debug.Assert(units > 0, "A run has a unit.");
        if (units > _unitsMax) return None;
        using (_lock.EnterScope())
        {
            AssertInvariants_NeedsLock();
            int first = FindFree_NeedsLock(units, _dirty, _dirtyMask);
            if (first == None)
            {
                first = FindFree_NeedsLock(units, _clean, _cleanMask);
                if (first != None && !_source.TryCommit(AddressOf(first), (nuint)units << UnitShift)) first = None;
            }

            if (first == None) first = TryGrow_NeedsLock(units);
            if (first != None) TakeFrom_NeedsLock(first, units);
            return first;
        }
    }

    /// <summary>Takes a run back.</summary>
    public void Free(int first, int units)
    {
        using (_lock.EnterScope())
        {
            AssertInvariants_NeedsLock();
            Debug.Assert(first >= 0 && first + units <= _frontier, "Only what was handed out comes back.");
            Debug.Assert(_runs[first].State == PageRunState.InUse, "A run comes back once.");
            AddFree_NeedsLock(first, units, PageRunState.Dirty);
        }
    }

    /// <summary>Gives idle memory back to the system.</summary>
    /// <param name="all">False: only what was free at the last call already.</param>
    /// <returns>The bytes that were given back.</returns>
    public long Purge(bool all)
    {
        long units = 0, unitsMost;
        using (_lock.EnterScope()) unitsMost = _dirtyUnits;   // what is freed meanwhile is not waited for
        for (int list = 0; list <= LengthsApart && units < unitsMost;)
        {
            int run, length;
            using (_lock.EnterScope()) run = TakeIdle_NeedsLock(all, ref list, out length);
            if (run == None) continue;
            _source.Decommit(AddressOf(run), (nuint)length << UnitShift);   // takes its time
            using (_lock.EnterScope()) AddFree_NeedsLock(run, length, PageRunState.Clean);
            units += length;
        }

        using (_lock.EnterScope()) _tick++;
        return units << UnitShift;
    }

    // A run to be given back, or the first part of a long one, is in use meanwhile. Else the next list is looked at.
    private int TakeIdle_NeedsLock(bool all, ref int list, out int length)
    {
        AssertInvariants_NeedsLock();
        for (int run = _dirty[list]; run != None; run = _runs[run].Next)
        {
            int whole = _runs[run].Units;
            if (!all && _runs[run].FreeSince == _tick) continue;
            length = Math.Min(whole, UnitsPerPurge);
            TakeFrom_NeedsLock(run, length);
            if (length < whole) list = Math.Min(list, ListOf(whole - length));
            return run;
        }

        list++;
        length = 0;
        return None;
    }

    /// <summary>Gives the address space back. Nobody uses it any more.</summary>
    public void Dispose() => _source.Release(_reserved, _reservedBytes);

    /// <summary>Walks every run and checks what the file top says.</summary>
    /// <exception cref="InvalidOperationException">It does not hold.</exception>
    public void Validate()
    {
        using (_lock.EnterScope())
        {
            int dirty = 0, clean = 0;
            for (int unit = 0; unit < _frontier;)
            {
                PageRun run = _runs[unit];
                Check(run.Units > 0, "every unit is in a run");
                Check(_runs[unit + run.Units - 1].Units == run.Units, "both ends of a run know its length");
                Check(_runs[unit + run.Units - 1].State == run.State, "both ends of a run know its state");
                if (run.State == PageRunState.Dirty) dirty += run.Units;
                if (run.State == PageRunState.Clean) clean += run.Units;
                int after = unit + run.Units;
                bool merges = run.State != PageRunState.InUse && after < _frontier && _runs[after].State == run.State;
                Check(!merges, "no two free neighbours are in the same state");
                unit = after;
            }

            Check(dirty == _dirtyUnits, "dirty runs add up");
            Check(clean == _cleanUnits, "clean runs add up");
            Check(CountListed_NeedsLock(_dirty) == dirty && CountListed_NeedsLock(_clean) == clean, "runs are listed");
        }

        static void Check(bool holds, string truth)
        {
            if (!holds) throw new InvalidOperationException($"In an arena, {truth}.");
        }
    }

    private int CountListed_NeedsLock(int[] lists)
    {
        int units = 0;
        foreach (int first in lists)
        {
            for (int run = first; run != None; run = _runs[run].Next) units += _runs[run].Units;
        }

        return units;
    }

    private int FindFree_NeedsLock(int units, int[] lists, ulong mask)
    {
        int shortest = ListOf(units);
        ulong fitting = mask >> shortest << shortest;
        for (; fitting != 0; fitting &= fitting - 1)
        {
            int list = BitOperations.TrailingZeroCount(fitting);
            for (int run = lists[list]; run != None; run = _runs[run].Next)
            {
                if (_runs[run].Units >= units) return run;
            }
        }

        return None;
    }

    private int TryGrow_NeedsLock(int units)
    {
        int growth = Math.Min(Math.Max(units, UnitsPerGrowth), _unitsMax - _frontier);
        if (growth < units) return None;
        if (!TryCommitTables_NeedsLock(_frontier + growth)) return None;
        if (!_source.TryCommit(AddressOf(_frontier), (nuint)growth << UnitShift))
        {
            growth = units;
            if (!_source.TryCommit(AddressOf(_frontier), (nuint)growth << UnitShift)) return None;
        }

        int first = _frontier;
        Volatile.Write(ref _frontier, first + growth);
        return AddFree_NeedsLock(first, growth, PageRunState.Dirty);
    }

    private bool TryCommitTables_NeedsLock(int units) =>
        TryCommitTable((nint)_runs, (nuint)units * (nuint)sizeof(PageRun), ref _runTableCommitted)
        && TryCommitTable(SideTable, (nuint)units * (nuint)_sideBytes, ref _sideTableCommitted);

    private bool TryCommitTable(nint table, nuint bytes, ref nuint committed)
    {
        nuint needed = RoundUp(bytes);
        if (needed <= committed) return true;
        if (!_source.TryCommit(table + (nint)committed, needed - committed)) return false;
        committed = needed;
        return true;
    }

    // The first units of a free run are in use from here on, the rest stays free.
    private void TakeFrom_NeedsLock(int first, int units)
    {
        int length = _runs[first].Units, since = _runs[first].FreeSince;
        PageRunState state = _runs[first].State;
        Debug.Assert(length >= units, "The run is long enough.");
        RemoveFree_NeedsLock(first);
        SetEnds(first, units, PageRunState.InUse);
        if (length == units) return;
        int rest = AddFree_NeedsLock(first + units, length - units, state);
        Debug.Assert(rest == first + units, "Beside a free run there is none of its state.");
        _runs[rest].FreeSince = since;
    }

    /// <returns>The first unit of the run that it is a part of now.</returns>
    private int AddFree_NeedsLock(int first, int units, PageRunState state)
    {
        int after = first + units, longest = units, since = _tick;
        if (after < _frontier && _runs[after].State == state && _runs[after].Units > 0)
        {
            if (_runs[after].Units > longest) (longest, since) = (_runs[after].Units, _runs[after].FreeSince);
            units += _runs[after].Units;
            RemoveFree_NeedsLock(after);
        }

        if (first > 0 && _runs[first - 1].State == state)
        {
            int before = _runs[first - 1].Units;
            first -= before;
            units += before;
            if (before > longest) since = _runs[first].FreeSince;
            RemoveFree_NeedsLock(first);
        }

        SetEnds(first, units, state);
        _runs[first].FreeSince = since;
        bool isDirty = state == PageRunState.Dirty;
        int list = ListOf(units);
        int[] lists = isDirty ? _dirty : _clean;
        int next = lists[list];
        _runs[first].Next = next;
        _runs[first].Previous = None;
        if (next != None) _runs[next].Previous = first;
        lists[list] = first;
        if (isDirty)
        {
            _dirtyMask |= 1UL << list;
            _dirtyUnits += units;
        }
        else
        {
            _cleanMask |= 1UL << list;
            _cleanUnits += units;
        }

        return first;
    }

    private void RemoveFree_NeedsLock(int first)
    {
        PageRun* run = _runs + first;
        bool isDirty = run->State == PageRunState.Dirty;
        Debug.Assert(isDirty || run->State == PageRunState.Clean, "Only a free run is in a list.");
        int list = ListOf(run->Units);
        int[] lists = isDirty ? _dirty : _clean;
        if (run->Previous == None)
        {
            Debug.Assert(lists[list] == first, "A run without a previous one is the first of its list.");
            lists[list] = run->Next;
        }
        else
        {
            _runs[run->Previous].Next = run->Next;
        }

        if (run->Next != None) _runs[run->Next].Previous = run->Previous;
        ulong left = lists[list] == None ? ~(1UL << list) : ulong.MaxValue;
        if (isDirty)
        {
            _dirtyMask &= left;
            _dirtyUnits -= run->Units;
        }
        else
        {
            _cleanMask &= left;
            _cleanUnits -= run->Units;
        }

        // Its ends are inside a longer run now, or will be written again.
        run->State = _runs[first + run->Units - 1].State = PageRunState.InUse;
    }

    private void SetEnds(int first, int units, PageRunState state)
    {
        _runs[first].Units = _runs[first + units - 1].Units = units;
        _runs[first].State = _runs[first + units - 1].State = state;
    }

    private static int ListOf(int units) => Math.Min(units - 1, LengthsApart);

    private static int[] NewLists()
    {
        var lists = new int[LengthsApart + 1];
        Array.Fill(lists, None);
        return lists;
    }

    private static nuint RoundUp(nuint bytes) => (bytes + UnitBytes - 1) & ~(nuint)(UnitBytes - 1);

    [Conditional("DEBUG")]
    private void AssertInvariants_NeedsLock()
    {
        Debug.Assert(_lock.IsHeldByCurrentThread, "Runs are read under the lock.");
        Debug.Assert(_dirtyUnits >= 0 && _cleanUnits >= 0, "There are never fewer than no free units.");
        Debug.Assert(_dirtyUnits + _cleanUnits <= _frontier, "What is free is below the frontier.");
        Debug.Assert((_dirtyMask == 0) == (_dirtyUnits == 0), "A mask is 0 if and only if no list has a run.");
    }
}
