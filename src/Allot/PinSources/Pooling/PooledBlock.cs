namespace Allot;

/// <summary>An array on the pinned heap that is used again and again, with its charge.</summary>
internal sealed class PooledBlock : IDisposable
{
    private readonly PinnedArrayCharge _charge;

    public PooledBlock(MemoryGroup group, int bytes, int sizeClass)
    {
        _charge = new PinnedArrayCharge(group, PinSource.BufferPool, bytes);
        Array = _charge.Allocate<byte>(bytes, isZeroed: false);
        SizeClass = sizeClass;
    }

    public byte[] Array { get; }

    /// <summary>Which size of the pool it is; below 0 for one that is too large to be kept.</summary>
    public int SizeClass { get; }

    /// <summary>Tells of a pool that was forgotten with this block and others.</summary>
    public void ReportLeak(long bytes) => _charge.ReportLeak(bytes);

    /// <summary>Gives the charge back: nobody uses it any more.</summary>
    public void Dispose() => _charge.Dispose();
}
