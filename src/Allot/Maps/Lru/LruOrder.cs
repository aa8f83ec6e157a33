namespace Allot.Maps;

/// <summary>Which nodes of an LRU map are free, and which were used least. Taking one is how the map makes room: the
/// node may have been an element until then.</summary>
internal abstract class LruOrder
{
    /// <summary>Nodes that are no elements; exact while nobody takes or gives.</summary>
    public abstract long FreeCount { get; }

    /// <summary>A node for a new element, with its hash; it counts as unused.</summary>
    /// <returns>-1 when all nodes are just being taken or given by others.</returns>
    public abstract int Take(uint hash, int processor);

    /// <summary>Checks, while nobody takes or gives, that all nodes are in lists, and each in the one that it
    /// says.</summary>
    public abstract void Validate();

    /// <summary>Takes a node back that is not, or no longer, in the index.</summary>
    public abstract void Give(int node);
}
