namespace Allot.Tests.Slabs;

/// <summary>What two threads write while they allocate and free: no cache line of it is of both.</summary>
public sealed unsafe class SharedLinesTests
{
    private const int LineBytes = 64, Blocks = 300;

    [Theory]
    [InlineData(64)]
    [InlineData(256)]
    public void Two_threads_write_to_no_line_of_each_other(int bytes)
    {
        var limits = new MemoryGroupOptions { MaxBytes = 1 << 30 };
        MemoryGroup group = new MemoryController(limits).Root.CreateChild("g", limits);
        using var first = new TurnThread();
        using var second = new TurnThread();
        HashSet<nint> ofFirst = [], ofSecond = [];
        first.Run(() => Use(group, bytes, ofFirst));
        second.Run(() => Use(group, bytes, ofSecond));
        first.Run(() => Use(group, bytes, ofFirst));
        Assert.True(ofFirst.Count > Blocks && ofSecond.Count > Blocks);
        Assert.Empty(ofFirst.Intersect(ofSecond));
    }

    private static void Use(MemoryGroup group, int bytes, HashSet<nint> lines)
    {
        byte** blocks = stackalloc byte*[Blocks];
        for (int turn = 0; turn < 20; turn++)   // until the reserve is bound, and the batches are there
        {
            for (int i = 0; i < Blocks; i++) blocks[i] = GroupMemory.Allocate(group, (nuint)bytes);
            for (int i = 0; i < Blocks; i++) GroupMemory.Free(blocks[i]);
        }

        ThreadHeap* heap = GroupMemory.Heap;
        SlabBin* bin = ThreadHeap.SmallBin(heap, (nuint)bytes);
        Add(heap, sizeof(ThreadHeap), lines);
        Add(ThreadReserves.SlotOf(group.Memory), ReserveSlot.SizeInBytes, lines);
        Add(bin, SlabBin.SizeInBytes, lines);
        if (bin->End != ThreadHeap.NoMagazine(heap)) Add(bin->End - bin->Batch, bin->Batch * sizeof(ulong), lines);
        for (int i = 0; i < Blocks; i++) Add(blocks[i], bytes, lines);
    }

    private static void Add(void* start, int bytes, HashSet<nint> lines)
    {
        for (nint at = (nint)start / LineBytes; at <= ((nint)start + bytes - 1) / LineBytes; at++) lines.Add(at);
    }
}
