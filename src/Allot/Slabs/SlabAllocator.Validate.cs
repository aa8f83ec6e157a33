namespace Allot;

internal sealed unsafe partial class SlabAllocator
{
    /// <summary>Walks everything and checks that every block is in use, or lies free in exactly one place. Threads are
    /// quiet.</summary>
    /// <returns>Blocks in use, but for large ones.</returns>
    /// <exception cref="InvalidOperationException">It does not hold.</exception>
    public long Validate()
    {
        Arena.Validate();
        HashSet<nint> free = [];
        long carved = 0;
        int classes = Volatile.Read(ref _classCount);
        for (uint i = 0; i < classes; i++)
        {
            ClassOf(i).Validate(free);
            carved += ClassOf(i).ReadCounts().Carved;
        }

        using (_heapsLock.EnterScope())
        {
            foreach (HeapOwner one in _heaps)
            {
                ulong* none = ThreadHeap.NoMagazine(one.Heap);
                for (uint i = 0; i < one.Heap->BinCount; i++)
                {
                    SlabBin* bin = one.Heap->Bins + i;
                    ClassOf(i).Note(bin->First(none), (int)(bin->Top - bin->First(none)), free);
                    ulong* spare = bin->Spare;
                    if (spare != null) ClassOf(i).Note(spare + 1, bin->HasFullSpare ? bin->Batch : 0, free);
                }
            }
        }

        long kept = 0;
        for (uint i = 0; i < classes; i++) kept += Checker?.CountKept(i) ?? 0;
        return carved - free.Count - kept;
    }

    /// <summary>The heads of the spans of a class. Under the lock of the class.</summary>
    public List<nint> SpansOf(SlabClass of)
    {
        List<nint> found = [];
        using (SpansLock.EnterScope())
        {
            for (int i = 0; i < Arena.Frontier; i++)
            {
                var unit = (SlabUnit*)Arena.SideTable + i;
                bool isHead = unit->State == SlabUnitState.Slab && unit->SpanStart == Arena.AddressOf(i);
                if (isHead && unit->BinIndex == (uint)of.Index) found.Add((nint)unit);
            }
        }

        return found;
    }
}
