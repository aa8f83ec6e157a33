namespace Allot;

/// <summary>The numbers of a cache, or of what one group has of it, as a line of slabinfo has them. A snapshot: exact
/// once threads are quiet.</summary>
/// <param name="Name">The name of the cache.</param>
/// <param name="ActiveObjects">Objects in use.</param>
/// <param name="TotalObjects">Objects that its slabs have room for; for one group of shared slabs: those in
/// use.</param>
/// <param name="ObjectBytes">What one object takes, alignment and bookkeeping included: what a group is
/// charged.</param>
/// <param name="ObjectsPerSlab">Objects in one slab.</param>
/// <param name="SlabBytes">The size of one slab.</param>
/// <param name="Slabs">Slabs; for one group of shared slabs, 0.</param>
public readonly record struct ObjectCacheStatistics(
    string Name,
    long ActiveObjects,
    long TotalObjects,
    long ObjectBytes,
    int ObjectsPerSlab,
    long SlabBytes,
    int Slabs)
{
    /// <summary>Bytes of the objects in use: what groups are charged.</summary>
    public long ActiveBytes => ActiveObjects * ObjectBytes;
}
