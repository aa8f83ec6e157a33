namespace Allot;

/// <summary>Who pays for a block: a group with the kind of memory, and what this thread knows of it as an owner.
/// </summary>
internal unsafe struct SlabPayer
{
    /// <summary>A key that no slot has: what is charged with it goes to the group, by its ordinary methods.</summary>
    public const long NoKey = -1;

    public MemoryGroup Group;
    public MemoryKind Kind;
    public int Id;

    // Magazine.TagOf(Id): no block has that of 0.
    public ulong Tag;

    // The key in the slot, or NoKey; and the key under which the owner is recorded.
    public long SlotKey;
    public long OwnerKey;
    public ReserveSlot* Slot;

    /// <summary>Whether the blocks are charged to anybody: kernel memory of a group may not be counted.</summary>
    public readonly bool IsCharged => Id != SlabOwners.Nobody;
}
