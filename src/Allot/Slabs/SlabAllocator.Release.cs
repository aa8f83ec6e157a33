// Slabs that belong to one group are released in one step: nobody frees the blocks one by one.
//
// The group may be removed meanwhile, and its class closed and followed by another of the same number. So whether it is
// closed is looked at under its lock, which it needs to close: its slabs are its own until the lock is left.

namespace Allot;

internal sealed unsafe partial class SlabAllocator
{
    /// <summary>Frees all blocks of a class, whoever has them.</summary>
    /// <returns>The bytes of the blocks that were in use; none of a class that is closed.</returns>
    public long FreeAll(SlabClass of)
    {
        Empty((uint)of.Index);
        if (Checker is not null) return FreeEach(of);
        long bytes = 0;
        List<(MemoryGroup Group, MemoryKind Kind, long Bytes)> owned = [];
        using (_searchLock.EnterScope())   // so that no owner is forgotten before it is known here
        using (of.OwnersLock.EnterScope())
        {
            if (of.IsClosed) return 0;
            foreach ((int owner, long blocks) in of.ReleaseAll())
            {
                bytes += blocks * of.BlockBytes;
                MemoryGroup? group = _owners.Find(owner, out MemoryKind kind);
                if (group is not null) owned.Add((group, kind, blocks * of.BlockBytes));
            }
        }

        NoteActivity();

        foreach ((MemoryGroup group, MemoryKind kind, long held) in owned) group.UnchargeRecorded(kind, held);
        return bytes;
    }

    /// <summary>Adds the blocks in use of a span to a list.</summary>
    public void ListInUse(SlabUnit* span, List<nint> blocks)
    {
        for (int i = 0; i < span->Units; i++)
        {
            for (int block = 0; block < CarvedIn(span + i); block++)
            {
                byte* address = BlockAt(span + i, block);
                if (!FreeBlock.IsFree(address)) blocks.Add((nint)address);
            }
        }
    }

    /// <summary>Adds the blocks in use of a span to those of their owners.</summary>
    public void CountInUse(SlabUnit* span, Dictionary<int, long> byOwner)
    {
        for (int i = 0; i < span->Units; i++)
        {
            SlabUnit* unit = span + i;
            for (int block = 0; block < CarvedIn(unit); block++)
            {
                byte* address = BlockAt(unit, block);
                if (FreeBlock.IsFree(address)) continue;
                int owner = unit->Owner == SlabUnit.Mixed ? unit->Owners[block] : unit->Owner;
                byOwner[owner] = byOwner.GetValueOrDefault(owner) + 1;
            }
        }
    }
}
