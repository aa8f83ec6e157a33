namespace Allot;

/// <summary>What the kernel has pinned at our request: its VmPin, if nobody else pins.</summary>
internal sealed class KernelPinned
{
    private long _bytes;

    public static KernelPinned OfProcess { get; } = new();

    public long Bytes => Interlocked.Read(ref _bytes);

    public void Add(long bytes) => Interlocked.Add(ref _bytes, bytes);
}
