namespace Allot;

/// <summary>Something that can give charged memory back when asked: a cache, a spiller. Linux says shrinker.</summary>
/// <remarks>
/// <para>Registered with <see cref="GroupReclaim"/> in each group that it holds memory of. It is called on threads that
/// charge or reclaim, by several at once if several groups above it are at their limits, never by a thread that is in a
/// reclaimer already, and it may still be running for a moment after its registration was disposed.</para>
/// <para>What it throws is contained. What it says is verified, so the memory has to be uncharged before it returns.
/// What counts is what the thread it is called on uncharges from the group, less what that thread charges meanwhile to
/// the group, or to any other below the limit that needs room; or, if another thread does the work, by how much the
/// use of the group has fallen. The verification ends where other threads begin: bytes that a reclaimer lets another
/// thread charge again are not told from what anybody charges, and an uncharge that another thread happens to make in
/// the group can confirm a wrong claim.</para>
/// </remarks>
public interface IReclaimer
{
    /// <summary>What it needs from the context it is called in. Read once, when it is registered.</summary>
    ReclaimNeeds Needs { get; }

    /// <summary>The bytes of the group that it could give back now, as far as it knows; 0 when nothing. Called often:
    /// it should only read a number.</summary>
    /// <param name="group">The group that it was registered in.</param>
    long CountBytes(MemoryGroup group);

    /// <summary>Gives bytes of the group back: frees and uncharges them.</summary>
    /// <param name="group">The group that it was registered in.</param>
    /// <param name="targetBytes">How much is wanted, 1 or more. More may be given if it cannot be divided, and less if
    /// there is less.</param>
    /// <returns>The bytes that were uncharged, less what was charged for it; 0 when it cannot give anything
    /// now.</returns>
    long Reclaim(MemoryGroup group, long targetBytes);
}
