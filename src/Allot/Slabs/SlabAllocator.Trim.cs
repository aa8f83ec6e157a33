// Giving back what is idle, and forgetting groups that were removed.

using System.Diagnostics;

namespace Allot;

internal sealed unsafe partial class SlabAllocator
{
    private const int UnitsAtOnce = 256;

    // One search at a time: what it has not found is released, and then is somebody else's.
    private readonly SteadyLock _searchLock = new();

    /// <summary>Gives idle memory back to the system: what threads keep, batches, empty spans, free units.</summary>
    /// <param name="all">False: only what nobody has needed since the last such call.</param>
    /// <returns>The bytes that the system got.</returns>
    public long Trim(bool all)
    {
        EmptyHeaps(all);
        int classes = Volatile.Read(ref _classCount);
        for (uint i = 0; i < classes; i++) ClassOf(i).Trim(all);
        ForgetInCaches();
        ForgetRemovedGroups(all);
        return Arena.Purge(all);
    }

    /// <summary>Releases the ids of removed groups that have no block in use. SlabOwners.cs has the protocol.</summary>
    /// <param name="all">False: only where many were removed, or after some calls.</param>
    public void ForgetRemovedGroups(bool all)
    {
        using SteadyLock.Scope searching = _searchLock.EnterScope();
        HashSet<int> retired = _owners.Retire(all);
        if (retired.Count == 0) return;
        Interlocked.MemoryBarrierProcessWide();
        using (_heapsLock.EnterScope())
        {
            foreach (HeapOwner one in _heaps)
            {
                SpinWait spin = default;
                while (Volatile.Read(ref one.Heap->Busy) != 0 && !one.IsDead) spin.SpinOnce(sleep1Threshold: -1);
            }
        }

        HashSet<int> found = [];
        int frontier = Arena.Frontier;
        for (int from = 0; from < frontier && found.Count < retired.Count; from += UnitsAtOnce)
        {
            using (SpansLock.EnterScope())
            {
                for (int unit = from; unit < Math.Min(from + UnitsAtOnce, frontier); unit++)
                {
                    NoteOwners_NeedsLock((SlabUnit*)Arena.SideTable + unit, retired, found);
                }
            }
        }

        _owners.Release(retired, found);
    }

    /// <summary>Blocks in use of an owner, by class; the last is that of large blocks, in units.</summary>
    public long[] CountByClass(int owner)
    {
        var counts = new long[Volatile.Read(ref _classCount) + 1];
        int frontier = Arena.Frontier;
        for (int from = 0; from < frontier; from += UnitsAtOnce)
        {
            using (SpansLock.EnterScope())
            {
                for (int i = from; i < Math.Min(from + UnitsAtOnce, frontier); i++)
                {
                    var unit = (SlabUnit*)Arena.SideTable + i;
                    if (unit->State == SlabUnitState.Large && unit->Owner == owner) counts[^1] += unit->Units;
                    if (unit->State != SlabUnitState.Slab || unit->BinIndex >= counts.Length - 1) continue;
                    int shared = Volatile.Read(ref unit->Owner);
                    if (shared != owner && shared != SlabUnit.Mixed) continue;
                    for (int block = 0; block < CarvedIn(unit); block++)
                    {
                        bool isOwned = shared == owner || unit->Owners[block] == owner;
                        if (isOwned && !FreeBlock.IsFree(BlockAt(unit, block))) counts[unit->BinIndex]++;
                    }
                }
            }
        }

        return counts;
    }

    private static void NoteOwners_NeedsLock(SlabUnit* unit, HashSet<int> retired, HashSet<int> found)
    {
        if (unit->State == SlabUnitState.Large && retired.Contains(unit->Owner)) found.Add(unit->Owner);
        if (unit->State != SlabUnitState.Slab) return;
        int shared = Volatile.Read(ref unit->Owner);
        if (shared != SlabUnit.Mixed && (!retired.Contains(shared) || found.Contains(shared))) return;
        for (int block = 0; block < CarvedIn(unit); block++)
        {
            int owner = shared == SlabUnit.Mixed ? unit->Owners[block] : shared;
            if (!retired.Contains(owner) || found.Contains(owner) || FreeBlock.IsFree(BlockAt(unit, block))) continue;
            found.Add(owner);
            if (shared != SlabUnit.Mixed) return;
        }
    }

    // Of the blocks that start in a unit, how many were ever handed out.
    private static int CarvedIn(SlabUnit* unit)
    {
        int carved = (int)(Volatile.Read(ref unit->CarvedBytes) / (nuint)unit->BlockBytes) - unit->FirstIndex;
        return Math.Clamp(carved, 0, unit->BlockCount);
    }

    private static byte* BlockAt(SlabUnit* unit, int block)
    {
        Debug.Assert(block < unit->BlockCount, "The block starts in the unit.");
        return (byte*)unit->SpanStart + ((nint)(unit->FirstIndex + block) * unit->BlockBytes);
    }
}
