using System.Globalization;

namespace Allot.Processes.Cgroups;

/// <summary>Version 1: the counters of the memory controller are files of their own, and they are exact.</summary>
internal sealed class MemoryCgroupV1(string path, UndoList undo) : MemoryCgroup(path, undo)
{
    private readonly CounterFile? _kernel = CounterFile.TryOpen($"{path}/memory.kmem.usage_in_bytes");
    private readonly CounterFile? _kernelPeak = CounterFile.TryOpen($"{path}/memory.kmem.max_usage_in_bytes");
    private readonly CounterFile? _memory = CounterFile.TryOpen($"{path}/memory.usage_in_bytes");
    private readonly CounterFile? _memoryPeak = CounterFile.TryOpen($"{path}/memory.max_usage_in_bytes");
    private readonly CounterFile? _limitHits = CounterFile.TryOpen($"{path}/memory.failcnt");
    private readonly CounterFile? _tcp = CounterFile.TryOpen($"{path}/memory.kmem.tcp.usage_in_bytes");

    internal override int Version => 1;

    internal override bool CountsKernelBytes => _kernel is not null;

    internal override long ReadKernelBytes() => (_kernel ?? throw new NotSupportedException()).ReadNumber();

    internal override long? ReadKernelPeakBytes() => _kernelPeak?.ReadNumber();

    internal override long ReadMemoryBytes() => (_memory ?? throw new NotSupportedException()).ReadNumber();

    internal override long? ReadMemoryPeakBytes() => _memoryPeak?.ReadNumber();

    internal override void SetMemoryMax(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        string text = bytes == long.MaxValue ? "-1" : bytes.ToString(CultureInfo.InvariantCulture);
        WriteLimit("memory.limit_in_bytes", text, bytes);
    }

    /// <remarks>This version counts kills only in the cgroup of the victim, so those of the groups below are
    /// added.</remarks>
    internal override OomEvents ReadOomEvents()
    {
        long killed = 0;
        foreach (string directory in CgroupTree.Directories(Path))
        {
            using CounterFile? control = CounterFile.TryOpen($"{directory}/memory.oom_control");
            if (control is not null && control.TryReadKey("oom_kill"u8, out long here)) killed += here;
        }
        return new OomEvents(_limitHits?.ReadNumber() ?? 0, null, killed);
    }

    /// <remarks>
    /// Only the buffers of TCP, which have a counter of their own and are no part of <see cref="ReadKernelBytes"/>:
    /// this
    /// version does not divide kernel memory any further.
    /// </remarks>
    internal override IReadOnlyList<(string Kind, long Bytes)> ReadKernelByKind() =>
        _tcp is null ? [] : [("tcp", _tcp.ReadNumber())];

    /// <remarks>
    /// This version cannot reclaim an amount: it tries to empty the group of all that can go, page cache too, also
    /// while
    /// the group has members. "Busy" is its answer when something had to stay.
    /// </remarks>
    protected override void ReclaimCore(long bytes) => KernelCgroupFiles.WriteText($"{Path}/memory.force_empty", "0");

    protected override void CloseFiles()
    {
        _kernel?.Dispose();
        _kernelPeak?.Dispose();
        _memory?.Dispose();
        _memoryPeak?.Dispose();
        _limitHits?.Dispose();
        _tcp?.Dispose();
    }
}
