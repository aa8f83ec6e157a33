namespace Allot.Benchmarks.Slabs;

/// <summary>A way to get blocks, as one thread uses it in a loop.</summary>
/// <typeparam name="TBlock">What a block is known by.</typeparam>
internal interface IHeap<TBlock>
{
    TBlock Allocate(nuint bytes);

    void Free(TBlock block);
}

/// <summary>Opens it on the thread that is to use it.</summary>
internal interface IHeapSource<THeap>
    where THeap : allows ref struct
{
    THeap Open();
}
