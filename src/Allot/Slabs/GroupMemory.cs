using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Allot;

/// <summary>Native memory that is charged to groups.</summary>
/// <remarks>All methods may be used from any thread, and any thread frees what another has allocated. Nothing is
/// allocated on the managed heap once a thread and a group are known to each other. Blocks are charged with the size of
/// their class, which is <see cref="BytesOf"/>.</remarks>
public static unsafe class GroupMemory
{
    private static SlabAllocator? s_allocator;

    // The heap of this thread; 0 before its first use. A number is read twice as fast as a reference.
    [ThreadStatic] private static nint t_heap;

    extension(MemoryGroup group)
    {
        /// <summary>The fastest way for one thread to allocate for a group again and again.</summary>
        /// <param name="kind">The kind of memory that the group is charged with.</param>
        /// <returns>An allocator for the calling thread.</returns>
        /// <exception cref="ArgumentOutOfRangeException">The kind is unknown.</exception>
        /// <exception cref="InsufficientMemoryException">The system has no memory for a new thread.</exception>
        public GroupAllocator Allocator(MemoryKind kind = MemoryKind.User) => new(Heap, group, kind);
    }

    /// <summary>The bytes that the process holds for blocks that are in use, for bookkeeping, and for those kept for
    /// the next use by threads and classes.</summary>
    public static long UsedBytes => Shared.Arena.UsedBytes;

    /// <summary>The bytes that the process holds for later.</summary>
    public static long IdleBytes => Shared.Arena.IdleBytes;

    internal static SlabAllocator Shared => Volatile.Read(ref s_allocator) ?? MakeAllocator();

    internal static ThreadHeap* Heap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            nint heap = t_heap;
            return heap != 0 ? (ThreadHeap*)heap : MakeHeap();
        }
    }

    /// <summary>Allocates a block of user memory and charges the group for it. Like <c>Charge</c>, it reclaims where a
    /// limit refuses, and may block for that.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="bytes">The size; 0 is a block too.</param>
    /// <returns>A block of at least that size, aligned to 16, or to 8 where it is no larger; its content is
    /// undefined. Free it once.</returns>
    /// <exception cref="MemoryLimitExceededException">A limit refused and nothing more could be reclaimed, or the
    /// group has ended; nothing is charged.</exception>
    /// <exception cref="InsufficientMemoryException">The system has no memory; nothing is charged.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* Allocate(MemoryGroup group, nuint bytes)
    {
        byte* block = TryTake((ThreadHeap*)ThreadPlaces.Blocks, group, bytes);
        return block != null ? block : AllocateSlow(group, MemoryKind.User, bytes);
    }

    /// <summary>Allocates a block and charges the group of the current context for it, or nobody where it has none:
    /// <see cref="AllocationContext.ActiveGroup"/>.</summary>
    /// <inheritdoc cref="Allocate(MemoryGroup, nuint)"/>
    /// <param name="bytes">The size; 0 is a block too.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* Allocate(nuint bytes)
    {
        byte* block = TryTakeAmbient((ThreadHeap*)ThreadPlaces.Blocks, ThreadPlaces.Scopes, bytes);
        return block != null ? block : AllocateAmbientSlow(bytes);
    }

    /// <summary>The same as for a group alone, for a call that says itself what may be done to find room, and what the
    /// memory is like. The scopes around it can only permit less.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="bytes">The size; 0 is a block too.</param>
    /// <param name="flags">As for <c>Charge</c> of the group; with <see cref="AllocationFlags.Zero"/> the bytes are
    /// 0.</param>
    /// <returns>A block of at least that size, aligned to 16, or to 8 where it is no larger. Free it once.</returns>
    /// <exception cref="MemoryLimitExceededException">A limit refused, and what the context permits did not help; or
    /// the group has ended. Nothing is charged.</exception>
    /// <exception cref="MustSucceedInAtomicException">The request must succeed, and the context is
    /// atomic.</exception>
    /// <exception cref="ArgumentException">The request must succeed, and may not reclaim.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A flag is unknown.</exception>
    /// <exception cref="InsufficientMemoryException">The system has no memory; nothing is charged.</exception>
    public static byte* Allocate(MemoryGroup group, nuint bytes, AllocationFlags flags) =>
        AllocateWith(group, MemoryKind.User, bytes, flags);

    /// <summary>The same for the group of the current context, or for nobody where it has none, or the flags do not
    /// say <see cref="AllocationFlags.Account"/>.</summary>
    /// <inheritdoc cref="Allocate(MemoryGroup, nuint, AllocationFlags)"/>
    /// <param name="bytes">The size; 0 is a block too.</param>
    /// <param name="flags">As for <see cref="AmbientCharging"/>: <see cref="AllocationFlags.KernelAccount"/> is what
    /// <see cref="Allocate(nuint)"/> says. With <see cref="AllocationFlags.Zero"/> the bytes are 0.</param>
    public static byte* Allocate(nuint bytes, AllocationFlags flags)
    {
        bool isCharged = (flags & AllocationFlags.Account) != 0;
        byte* block = isCharged ? AllocateForActive(bytes, flags) : null;
        if (block != null) return block;
        AllocationContext.MightAllocate(flags);
        block = AllocateForNobody(bytes);
        if ((flags & AllocationFlags.Zero) != 0) GroupAllocator.Clear(block, bytes);
        return block;
    }

    /// <summary>The same for the group of a handle, with the handle's kind.</summary>
    /// <inheritdoc cref="Allocate(MemoryGroup, nuint, AllocationFlags)"/>
    /// <param name="handle">Who pays.</param>
    /// <param name="bytes">The size; 0 is a block too.</param>
    /// <param name="flags">As for <c>Charge</c> of the group; with <see cref="AllocationFlags.Zero"/> the bytes are
    /// 0.</param>
    public static byte* Allocate(GroupHandle handle, nuint bytes, AllocationFlags flags) =>
        AllocateWith(handle.Group, handle.Kind, bytes, flags);

    /// <summary>Allocates a block and charges the group of a handle for it, with the handle's kind.</summary>
    /// <inheritdoc cref="Allocate(MemoryGroup, nuint)"/>
    /// <param name="handle">Who pays.</param>
    /// <param name="bytes">The size; 0 is a block too.</param>
    public static byte* Allocate(GroupHandle handle, nuint bytes) =>
        handle.Kind == MemoryKind.User
            ? Allocate(handle.Group, bytes)
            : AllocateSlow(handle.Group, handle.Kind, bytes);

    /// <summary>Allocates a block and charges the group for it, at once or not at all: it never reclaims and never
    /// blocks.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="bytes">The size; 0 is a block too.</param>
    /// <param name="refusal">When null is returned: who refused, and why. Otherwise the default value.</param>
    /// <returns>A block of at least that size, or null when a limit refused or the group has ended.</returns>
    /// <exception cref="InsufficientMemoryException">The system has no memory; nothing is charged.</exception>
    public static byte* TryAllocate(MemoryGroup group, nuint bytes, out ChargeRefusal refusal)
    {
        ArgumentNullException.ThrowIfNull(group);
        return GroupAllocator.AllocateOther(Heap, group, MemoryKind.User, bytes, flags: null, out refusal);
    }

    /// <summary>Frees a block, and returns its bytes to the group it was charged to, or to the heir of that.</summary>
    /// <param name="block">What <c>Allocate</c> has returned, on any thread; null does nothing.</param>
    /// <remarks>A block that is freed already, or was not allocated here, ends the process: its memory may be somebody
    /// else's by now.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Free(byte* block)
    {
        if (!SlabPath.TryGiveAny((ThreadHeap*)ThreadPlaces.Blocks, block)) FreeSlow(block);
    }

    /// <summary>The bytes that may be used of a block, and that its group is charged for.</summary>
    /// <param name="block">A block in use.</param>
    /// <remarks>With block checks only what was asked for may be used; the group pays for what they add to it
    /// too.</remarks>
    public static long BytesOf(byte* block) => Shared.BytesOf(block);

    /// <summary>Gives memory that is not in use back to the system: what threads keep for their next blocks, and all
    /// that lies idle in between.</summary>
    /// <returns>The bytes that were given back.</returns>
    public static long Trim() => Shared.Trim(all: true);

    // What the thread has comes as an argument: so it is looked up in the caller, once for all the calls of a loop.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* TryTake(ThreadHeap* heap, MemoryGroup group, nuint bytes) =>
        SlabPath.TryTake(heap, bytes, group.Memory);

    // A removed group has nothing to spend from: it comes to the slow path, and there to its heir. All that is called
    // here is called last, so that there is nothing to save.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* TryTakeAmbient(ThreadHeap* heap, nint scopes, nuint bytes)
    {
        if (ThreadGroups.FlowsCharge) return TryTakeInFlow(heap, bytes);
        return ThreadGroups.MemoryOfThreadAt(scopes) is { } payer ? SlabPath.TryTake(heap, bytes, payer) : null;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* TryTakeInFlow(ThreadHeap* heap, nuint bytes) =>
        ThreadGroups.Active is { } group ? SlabPath.TryTake(heap, bytes, group.Memory) : null;

    private static byte* AllocateWith(MemoryGroup group, MemoryKind kind, nuint bytes, AllocationFlags flags)
    {
        ArgumentNullException.ThrowIfNull(group);
        AllocationContext.MightAllocate(flags, group);
        byte* block = GroupAllocator.AllocateOther(Heap, group, kind, bytes, flags, out _);
        if ((flags & AllocationFlags.Zero) != 0) GroupAllocator.Clear(block, bytes);
        return block;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* AllocateSlow(MemoryGroup group, MemoryKind kind, nuint bytes)
    {
        ArgumentNullException.ThrowIfNull(group);
        return GroupAllocator.AllocateOther(Heap, group, kind, bytes);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* AllocateAmbientSlow(nuint bytes)
    {
        byte* block = AllocateForActive(bytes, flags: null);
        return block != null ? block : AllocateForNobody(bytes);
    }

    // Null where there is no current group.
    private static byte* AllocateForActive(nuint bytes, AllocationFlags? flags)
    {
        while (AllocationContext.ActiveGroup is { } group)
        {
            try
            {
                return flags is { } permitted
                    ? Allocate(group, bytes, permitted)
                    : AllocateSlow(group, MemoryKind.User, bytes);
            }
            catch (MemoryLimitExceededException refused) when (refused.Refusal.IsForHeir)
            {
                // Removed since it was found: its heir pays.
            }
        }

        return null;
    }

    /// <summary>Allocates a block that nobody is charged for: its user has charged it otherwise.</summary>
    internal static byte* AllocateForNobody(nuint bytes)
    {
        ThreadHeap* heap = Heap;
        return Shared.AllocateAny(heap, bytes, SlabAllocator.Nobody(heap), AllocationFlags.Kernel, out _);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void FreeSlow(byte* block)
    {
        if (block == null) return;
        ThreadHeap* heap = Heap;
        if (SlabAllocator.IsPaused || !SlabPath.TryGive(heap, block)) Shared.FreeSlow(heap, block);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ThreadHeap* MakeHeap()
    {
        ThreadHeap* heap = Shared.HeapOfThread();
        t_heap = (nint)heap;
        heap->Slots = ThreadReserves.Attach((nint)heap);
        return heap;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    [SuppressMessage("Reliability", "CA2000", Justification = "It lives as long as the process.")]
    private static SlabAllocator MakeAllocator()
    {
        SlabAllocator made = SlabAllocator.MakeShared();
        SlabAllocator? first = Interlocked.CompareExchange(ref s_allocator, made, null);
        if (first is null)
        {
            made.StartTrimming(TimeProvider.System);
            return made;
        }

        made.Dispose();
        return first;
    }
}
