using Allot.Processes.Cgroups;

namespace Allot.Processes.Tests.Supervision;

/// <summary>A cgroup whose numbers the test says.</summary>
internal sealed class FakeMemoryCgroup() : MemoryCgroup("/nowhere", new UndoList(KernelCgroupFiles.Instance))
{
    public long KernelBytes { get; set; }

    /// <summary>What a reclaim takes away.</summary>
    public long ReclaimableBytes { get; set; }

    public int Reclaims { get; private set; }

    public bool IsRemoved { get; set; }

    /// <summary>Whether somebody removes it while it reclaims.</summary>
    public bool IsRemovedByReclaim { get; set; }

    internal override int Version => 2;

    internal override bool CountsKernelBytes => true;

    internal override long ReadKernelBytes() => Read(KernelBytes);

    internal override long? ReadKernelPeakBytes() => null;

    internal override long ReadMemoryBytes() => Read(KernelBytes);

    internal override long? ReadMemoryPeakBytes() => null;

    internal override void SetMemoryMax(long bytes) => throw new NotSupportedException();

    internal override OomEvents ReadOomEvents() => default;

    internal override IReadOnlyList<(string Kind, long Bytes)> ReadKernelByKind() => Read(Array.Empty<(string, long)>());

    protected override void ReclaimCore(long bytes)
    {
        Reclaims++;
        KernelBytes -= ReclaimableBytes;
        ReclaimableBytes = 0;
        IsRemoved |= IsRemovedByReclaim;
    }

    protected override void CloseFiles()
    {
    }

    private T Read<T>(T value) => IsRemoved ? throw new IOException("removed") : value;
}
