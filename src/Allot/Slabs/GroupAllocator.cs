using System.Runtime.CompilerServices;

namespace Allot;

/// <summary>A group as one thread allocates for it in a loop: it remembers this thread's free blocks, and where this
/// thread holds the group's bytes in advance. The fastest way to allocate.</summary>
/// <remarks>Belongs to the thread that asked for it, which the compiler ensures. Blocks do not: any thread frees them,
/// by whatever way. Ask for one where it is used: one from outside of an
/// <see cref="AllocationScope.BlockAccounting"/> may charge its group inside as well, for blocks that are at
/// hand.</remarks>
public readonly unsafe ref struct GroupAllocator
{
    private readonly ThreadHeap* _heap;

    // What the fast path needs; the slow path looks it up again. Made where the system had no memory for one more
    // owner, or a scope has the group charged by itself, it is not fast as long as it lives.
    private readonly SlabPayer _payer;

    internal GroupAllocator(ThreadHeap* heap, MemoryGroup group, MemoryKind kind)
    {
        ArgumentNullException.ThrowIfNull(group);
        _heap = heap;
        _payer = SlabAllocator.Of(heap).PayerFor(heap, group, kind);
    }

    /// <summary>The group that pays.</summary>
    public MemoryGroup Group => _payer.Group;

    /// <summary>The kind of memory that it is charged with.</summary>
    public MemoryKind Kind => _payer.Kind;

    internal bool IsFast => _payer.SlotKey != SlabPayer.NoKey;

    /// <summary>Allocates a block and charges the group for it. Like <c>Charge</c>, it reclaims where a limit refuses,
    /// and may block for that.</summary>
    /// <param name="bytes">The size; 0 is a block too.</param>
    /// <returns>A block of at least that size, aligned to 16, or to 8 where it is no larger; its content is
    /// undefined. Free it once.</returns>
    /// <exception cref="MemoryLimitExceededException">A limit refused and nothing more could be reclaimed, or the
    /// group has ended; nothing is charged.</exception>
    /// <exception cref="InsufficientMemoryException">The system has no memory; nothing is charged.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* Allocate(nuint bytes)
    {
        // As SlabPath.TryTake, without a test of what it returns. Always in the caller: the compiler did it for some
        // and not for others, which then took a quarter longer. What is called here gets single values: so nobody has
        // the address of this, and the compiler keeps it in registers.
        ThreadHeap* heap = _heap;
        if (bytes <= SizeClasses.TableBytes)
        {
            SlabBin* bin = ThreadHeap.SmallBin(heap, bytes);
            ulong* top = bin->Top - 1;
            nuint offset = (nuint)(*top ^ _payer.Tag);
            if (offset < heap->CommittedBytes)
            {
                ReserveSlot* slot = _payer.Slot;
                if (slot->TryBeginSpend(_payer.SlotKey, bin->BlockBytes))
                {
                    byte* block = (byte*)heap->Base + offset;
                    FreeBlock.SetInUse(block);
                    bin->Top = top;
                    slot->End();
                    return block;
                }
            }
        }
        else
        {
            byte* block = TryTake(heap, bytes, _payer.Slot, _payer.SlotKey, _payer.Tag);
            if (block != null) return block;
        }

        return AllocateOther(heap, _payer.Group, _payer.Kind, bytes);
    }

    /// <summary>Allocates a block and charges the group for it, at once or not at all: it never reclaims and never
    /// blocks.</summary>
    /// <param name="bytes">The size; 0 is a block too.</param>
    /// <param name="refusal">When null is returned: who refused, and why. Otherwise the default value.</param>
    /// <returns>A block of at least that size, or null when a limit refused or the group has ended.</returns>
    /// <exception cref="InsufficientMemoryException">The system has no memory; nothing is charged.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* TryAllocate(nuint bytes, out ChargeRefusal refusal)
    {
        refusal = default;
        byte* block = TryTake(_heap, bytes, _payer.Slot, _payer.SlotKey, _payer.Tag);
        return block != null
            ? block
            : AllocateOther(_heap, _payer.Group, _payer.Kind, bytes, flags: null, out refusal);
    }

    /// <summary>Frees a block of any group, and returns its bytes to the one it was charged to.</summary>
    /// <param name="block">What <c>Allocate</c> has returned, on any thread; null does nothing.</param>
    /// <remarks>A block that is freed already, or was not allocated here, ends the process: its memory may be somebody
    /// else's by now.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(byte* block)
    {
        // As SlabPath.TryGiveAny, for one owner.
        ThreadHeap* heap = _heap;
        nuint offset = (nuint)((nint)block - heap->Base);
        if (offset < heap->CommittedBytes)
        {
            SlabUnit* unit = ThreadHeap.UnitOf(heap, block);
            if (SlabPath.IsInUse(unit, block) && SlabPath.IsOwnedBy(unit, block, _payer.Id))
            {
                SlabBin* bin = ThreadHeap.BinOf(heap, unit);
                ulong* top = bin->Top;
                ReserveSlot* slot = _payer.Slot;
                if (top != bin->End && slot->TryBeginKeep(_payer.SlotKey, bin->BlockBytes))
                {
                    *top = offset | _payer.Tag;
                    bin->Top = top + 1;
                    FreeBlock.SetFree(block);
                    slot->End();
                    return;
                }
            }
        }

        FreeOther(heap, block);
    }

    /// <summary>The same for a call that says itself what may be done to find room, and what the memory is like. The
    /// scopes around it can only permit less.</summary>
    /// <inheritdoc cref="GroupMemory.Allocate(MemoryGroup, nuint, AllocationFlags)"/>
    /// <param name="bytes">The size; 0 is a block too.</param>
    /// <param name="flags">As for <c>Charge</c> of the group; with <see cref="AllocationFlags.Zero"/> the bytes are
    /// 0.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* Allocate(nuint bytes, AllocationFlags flags)
    {
        AllocationContext.MightAllocate(flags, _payer.Group);
        byte* block = TryTake(_heap, bytes, _payer.Slot, _payer.SlotKey, _payer.Tag);
        if (block == null) block = AllocateOther(_heap, _payer.Group, _payer.Kind, bytes, flags, out _);
        if ((flags & AllocationFlags.Zero) != 0) Clear(block, bytes);
        return block;
    }

    internal static void Clear(byte* block, nuint bytes)
    {
        const uint StepBytes = 1u << 30;
        for (; bytes > StepBytes; bytes -= StepBytes, block += StepBytes) Unsafe.InitBlock(block, 0, StepBytes);
        Unsafe.InitBlock(block, 0, (uint)bytes);
    }

    /// <summary>Allocates where the block at hand is another's, or there is none, or nothing is held in advance, or it
    /// is a large one.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static byte* AllocateOther(ThreadHeap* heap, MemoryGroup group, MemoryKind kind, nuint bytes) =>
        AllocateOther(heap, group, kind, bytes, AllocationFlags.Kernel, out _);

    /// <inheritdoc cref="AllocateOther(ThreadHeap*, MemoryGroup, MemoryKind, nuint)"/>
    /// <param name="heap">This thread's.</param>
    /// <param name="group">Who pays.</param>
    /// <param name="kind">The kind of memory.</param>
    /// <param name="bytes">The size.</param>
    /// <param name="flags">What <c>Charge</c> of the group may do; null for its <c>TryCharge</c>.</param>
    /// <param name="refusal">When null is returned: who refused.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static byte* AllocateOther(
        ThreadHeap* heap, MemoryGroup group, MemoryKind kind, nuint bytes, AllocationFlags? flags,
        out ChargeRefusal refusal)
    {
        SlabAllocator slabs = SlabAllocator.Of(heap);
        SlabPayer payer = slabs.PayerFor(heap, group, kind);
        if (bytes <= SizeClasses.LargestBytes)
        {
            SlabBin* bin = heap->Bins + SizeClasses.IndexOf(bytes);
            _ = SlabPath.TryTurnToTake(heap, bin, payer.Slot, payer.SlotKey);
            byte* block = SlabPath.TryTakeOther(heap, bin, payer.Slot, payer.SlotKey, payer.Id);
            if (block != null)
            {
                refusal = default;
                return block;
            }
        }

        return slabs.AllocateAny(heap, bytes, payer, flags, out refusal);
    }

    // Of any size but large ones.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* TryTake(ThreadHeap* heap, nuint bytes, ReserveSlot* slot, long key, ulong tag) =>
        bytes <= SizeClasses.LargestBytes
            ? SlabPath.TryTake(heap, heap->Bins + SizeClasses.IndexOf(bytes), slot, key, tag)
            : null;

    // Of another group, or unusual.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void FreeOther(ThreadHeap* heap, byte* block)
    {
        if (block == null) return;
        if (SlabAllocator.IsPaused || !SlabPath.TryGive(heap, block)) SlabAllocator.Of(heap).FreeSlow(heap, block);
    }
}
