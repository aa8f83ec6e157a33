// Where a thread finds what belongs to it on its way through a charge. They are numbers, and of one class, because the
// runtime finds a thread-static number in half of the time of a reference, and all those of one class at once.

namespace Allot;

/// <summary>Addresses of what belongs to the calling thread; each is 0 while it has none.</summary>
internal static class ThreadPlaces
{
    /// <summary>What the thread holds in advance: the first slot of its <see cref="ThreadReserves"/>, which sets this.
    /// Also 0 while the fast path of the thread is paused.</summary>
    [ThreadStatic]
    internal static nint Slots;

    /// <summary>The free blocks of the thread; <see cref="ThreadReserves.Attach"/> sets this. Also 0 while its fast
    /// path is paused.</summary>
    [ThreadStatic]
    internal static nint Blocks;

    /// <summary>Whom the scopes of the thread charge: what is there belongs to the layer that sets this.</summary>
    [ThreadStatic]
    internal static nint Scopes;
}
