namespace Allot;

/// <summary>The operating system as far as locking pages goes. Locks do not stack: a page is locked or it is not.
/// </summary>
internal interface IMemoryLocks
{
    /// <summary>Locks whole pages.</summary>
    /// <param name="range">Not empty.</param>
    /// <param name="onFault">Whether pages are locked as they are touched, and not brought in now.</param>
    /// <returns>0, or the error of the system: then some of the pages can be locked all the same.</returns>
    int Lock(PageRange range, bool onFault);

    /// <summary>Unlocks whole pages.</summary>
    /// <returns>0, or the error of the system.</returns>
    int Unlock(PageRange range);
}
