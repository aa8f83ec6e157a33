// What blocks would cost if nobody could be charged for them: the fast path of Allot (SlabPath, GroupAllocator) without
// all that accounting takes. It spends from no reserve, and knows no owner: neither which one a free block had before,
// nor whom a block in use belongs to. The rest is the same: the bin of the class, the unit of a block that is freed,
// and the mark that shows a second free.
//
// The store of a reserve is also what keeps others from emptying the bin at that moment. So this is an allocator of its
// own that nobody trims, and it is not for more than measuring.

using System.Runtime.CompilerServices;

namespace Allot.Benchmarks.Slabs;

/// <summary>Blocks of Allot's slabs without accounting.</summary>
internal static unsafe class UnaccountedHeaps
{
    private const long ReservedBytes = 1L << 34;

    private static readonly Lazy<SlabAllocator> s_allocator = new(static () => new(SystemPages.Instance, ReservedBytes));

    [ThreadStatic] private static nint t_heap;

    /// <summary>With the heap of the thread in hand, as a handle has it.</summary>
    public static HeapSubject ByHandle { get; } = new("Allot without accounting, by handle", static _ =>
        new HeapLoop<OpenHeap, nint>(default(Heaps)));

    /// <summary>With the heap of the thread to be found, as it is in a scope.</summary>
    public static HeapSubject ByThread { get; } = new("Allot without accounting, by thread", static _ =>
        new HeapLoop<ThreadHeaps, nint>(default(ThreadHeaps)));

    /// <summary>The same where each call finds it anew: not a loop of its caller.</summary>
    public static HeapSubject ByThreadApart { get; } = new("Allot without accounting, by thread, apart", static _ =>
        new HeapLoop<ApartHeaps, nint>(default(ApartHeaps)));

    private readonly struct Heaps : IHeapSource<OpenHeap>
    {
        public OpenHeap Open() => new(s_allocator.Value.HeapOfThread());
    }

    // GroupAllocator, which is compiled into its caller.
    private readonly ref struct OpenHeap(ThreadHeap* heap) : IHeap<nint>
    {
        private readonly ThreadHeap* _heap = heap;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public nint Allocate(nuint bytes)
        {
            if (bytes > SizeClasses.TableBytes) return (nint)AllocateMedium(_heap, bytes);
            byte* block = TryTake(_heap, ThreadHeap.SmallBin(_heap, bytes));
            return (nint)(block != null ? block : AllocateOther(_heap, bytes));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Free(nint block)
        {
            if (!TryGive(_heap, (byte*)block)) FreeOther(_heap, (byte*)block);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static byte* AllocateMedium(ThreadHeap* heap, nuint bytes)
        {
            if (bytes > SizeClasses.LargestBytes) return AllocateOther(heap, bytes);
            byte* block = TryTake(heap, heap->Bins + SizeClasses.IndexByFormula(bytes));
            return block != null ? block : AllocateOther(heap, bytes);
        }
    }

    // GroupMemory.Allocate(bytes) and Free, which call what is not compiled into their caller.
    private readonly struct ThreadHeaps : IHeap<nint>, IHeapSource<ThreadHeaps>
    {
        public ThreadHeaps Open()
        {
            t_heap = (nint)s_allocator.Value.HeapOfThread();
            return this;
        }

        public nint Allocate(nuint bytes) => (nint)AllocateAt((ThreadHeap*)t_heap, bytes);

        public void Free(nint block)
        {
            if (!TryGiveAt((ThreadHeap*)t_heap, (byte*)block)) FreeOther((ThreadHeap*)t_heap, (byte*)block);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static byte* AllocateAt(ThreadHeap* heap, nuint bytes)
        {
            byte* block = heap == null || bytes > SizeClasses.LargestBytes ? null : TryTake(heap, BinFor(heap, bytes));
            return block != null ? block : AllocateOther(heap, bytes);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static bool TryGiveAt(ThreadHeap* heap, byte* block) => heap != null && TryGive(heap, block);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static SlabBin* BinFor(ThreadHeap* heap, nuint bytes) => bytes <= SizeClasses.TableBytes
            ? ThreadHeap.SmallBin(heap, bytes)
            : heap->Bins + SizeClasses.IndexByFormula(bytes);
    }

    private readonly struct ApartHeaps : IHeap<nint>, IHeapSource<ApartHeaps>
    {
        public ApartHeaps Open()
        {
            _ = default(ThreadHeaps).Open();
            return this;
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        public nint Allocate(nuint bytes) => default(ThreadHeaps).Allocate(bytes);

        [MethodImpl(MethodImplOptions.NoInlining)]
        public void Free(nint block) => default(ThreadHeaps).Free(block);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* TryTake(ThreadHeap* heap, SlabBin* bin)
    {
        ulong* top = bin->Top - 1;
        nuint offset = (nuint)(*top);
        if (offset >= heap->CommittedBytes) return null;   // there is none
        byte* block = (byte*)heap->Base + offset;
        FreeBlock.SetInUse(block);
        bin->Top = top;
        return block;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryGive(ThreadHeap* heap, byte* block)
    {
        nuint offset = (nuint)((nint)block - heap->Base);
        if (offset >= heap->CommittedBytes) return false;
        SlabUnit* unit = ThreadHeap.UnitOf(heap, block);
        if (!SlabPath.IsInUse(unit, block)) return false;
        SlabBin* bin = ThreadHeap.BinOf(heap, unit);
        ulong* top = bin->Top;
        if (top == bin->End) return false;
        *top = offset;
        bin->Top = top + 1;
        FreeBlock.SetFree(block);
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* AllocateOther(ThreadHeap* heap, nuint bytes) =>
        s_allocator.Value.AllocateAny(heap, bytes, SlabAllocator.Nobody(heap), AllocationFlags.Kernel, out _);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void FreeOther(ThreadHeap* heap, byte* block) => s_allocator.Value.FreeSlow(heap, block);
}
