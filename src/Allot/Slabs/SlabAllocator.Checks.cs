// The slow paths where blocks are checked (BlockChecks).

namespace Allot;

internal sealed unsafe partial class SlabAllocator
{
    // Taken before all others.
    private readonly SteadyLock _letting = new();

    /// <summary>Checks blocks; null where nobody asked for that.</summary>
    public BlockChecker? Checker { get; }

    /// <summary>What fast paths may know: nothing, where blocks are checked.</summary>
    private nuint CommittedBytes => Checker is null ? (nuint)Arena.Frontier << PageArena.UnitShift : 0;

    /// <summary>Allocates a block of any size.</summary>
    /// <inheritdoc cref="AllocateSlow"/>
    public byte* AllocateAny(
        ThreadHeap* heap, nuint bytes, in SlabPayer asked, AllocationFlags? flags, out ChargeRefusal refusal)
    {
        nuint guard = Checker is null ? 0 : (nuint)BlockChecker.GuardBytes;
        nuint all = bytes <= nuint.MaxValue - guard ? bytes + guard : bytes;
        byte* block = all <= SizeClasses.LargestBytes
            ? AllocateSlow(heap, ClassOf((uint)SizeClasses.IndexOf(all)), asked, flags, out refusal)
            : AllocateLarge(heap, all, asked, flags, out refusal);
        if (block != null) Checker?.NoteAllocated(block, AllBytesOf(block), (long)bytes, isConstructed: false);
        return block;
    }

    /// <summary>What may be used of a block that is certainly in use.</summary>
    public long UsableBytesOf(byte* block) => Checker?.AskedBytes(block) ?? AllBytesOf(block);

    /// <summary>What the owner is charged for a block in use.</summary>
    private long AllBytesOf(byte* block)
    {
        SlabUnit* unit = UnitAt((nint)block);
        return unit->State == SlabUnitState.Large ? (long)unit->Units << PageArena.UnitShift : unit->BlockBytes;
    }

    // Nothing more is done with a block that is not as it should be.
    private bool IsChecked(byte* block)
    {
        if (Checker?.NoteFreed(block) is not { } wrong) return true;
        Fail(block, wrong);
        return false;
    }

    // The block is free and uncharged. Where blocks are checked, an older one takes its place.
    private void PutAway(ThreadHeap* heap, uint index, byte* block, bool hasEndedOwner)
    {
        FreeBlock.SetFree(block);
        if (Checker is not { } checker)
        {
            if (hasEndedOwner) PutIntoSpan(index, block);
            else PutIntoBin(heap, index, block);
            return;
        }

        checker.Keep(block, index);
        LetGo(heap, all: false);
    }

    // One at a time, so that nobody has a block in hand that who empties a class does not find.
    private void LetGo(ThreadHeap* heap, bool all)
    {
        if (Checker is not { } checker) return;
        using SteadyLock.Scope letting = _letting.EnterScope();
        while (checker.TryLetGo(all, out BlockChecker.Kept kept, out bool isWritten))
        {
            var block = (byte*)kept.Block;
            if (isWritten) Fail(block, "was written to after it was freed");
            if (kept.Index == BlockChecker.NoClass)
            {
                FreeUnits(block, kept.Bytes);
                continue;
            }

            FreeBlock.SetFree(block);
            PutIntoBin(heap, kept.Index, block);
        }
    }

    // Each block as if by itself, with all that is looked at then.
    private long FreeEach(SlabClass of)
    {
        ThreadHeap* heap = HeapOfCaller();
        List<nint> blocks;
        using (of.OwnersLock.EnterScope()) blocks = of.IsClosed ? [] : of.ReadInUse();
        foreach (nint block in blocks) FreeSlow(heap, (byte*)block, of.Cache);
        return (long)blocks.Count * of.BlockBytes;
    }
}
