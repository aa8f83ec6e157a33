namespace Allot.Tests;

/// <summary>The smallest tree that has a middle: <c>/</c>, <c>/a</c>, <c>/a/b</c>.</summary>
internal sealed class TreeOfThree
{
    public TreeOfThree(
        MemoryGroupOptions? root = null, MemoryGroupOptions? middle = null, MemoryGroupOptions? leaf = null)
    {
        Controller = new MemoryController(root);
        Middle = Root.CreateChild("a", middle);
        Leaf = Middle.CreateChild("b", leaf);
    }

    public MemoryController Controller { get; }

    public MemoryGroup Root => Controller.Root;

    public MemoryGroup Middle { get; }

    public MemoryGroup Leaf { get; }

    public MemoryGroup[] Groups => [Root, Middle, Leaf];

    /// <summary>Current bytes from the root to the leaf.</summary>
    public long[] Memory => [.. Groups.Select(group => group.Memory.CurrentBytes)];

    public long[] Kernel => [.. Groups.Select(group => group.Kernel.CurrentBytes)];

    public long[] Pins => [.. Groups.Select(group => group.Pins.CurrentBytes)];

    /// <summary>All that can be read of the tree, to compare before and after.</summary>
    public string Snapshot() => string.Join("\n", Groups.Select(group => string.Join(
        ' ',
        ((MemoryCounter[])[group.Memory, group.Kernel, group.Pins, group.Locked, group.Pinned])
            .Select(counter => $"{counter.CurrentBytes}/{counter.PeakBytes}/{counter.MaxBytes}"))));
}
