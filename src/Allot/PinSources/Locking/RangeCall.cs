using System.Diagnostics;

namespace Allot;

/// <summary>Something that a holder does to a range of pages: nobody else does anything there meanwhile. Used again for
/// the next one.</summary>
internal sealed class RangeCall(LockHolder holder)
{
    private volatile bool _isUnderWay;

    public LockHolder Holder { get; } = holder;

    /// <summary>Where; written under the gate of the pages.</summary>
    public PageRange Range { get; private set; }

    /// <summary>Whether it is in the list of the pages; under their gate.</summary>
    public bool IsListed { get; set; }

    public bool IsUnderWay => _isUnderWay;

    /// <summary>Under the gate.</summary>
    public void Begin(PageRange range)
    {
        Debug.Assert(!_isUnderWay, "It is one call at a time.");
        Range = range;
        _isUnderWay = true;
    }

    /// <summary>By whom it was begun, without the gate. Pairs with whoever finds it ended: he sees what it has done.
    /// </summary>
    public void End() => _isUnderWay = false;
}
