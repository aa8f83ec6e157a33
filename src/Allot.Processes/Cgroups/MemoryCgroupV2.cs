using System.Globalization;
using System.Text;

namespace Allot.Processes.Cgroups;

/// <summary>Version 2: one memory.stat with everything, read by key because each kernel adds lines.</summary>
internal sealed class MemoryCgroupV2(string path, UndoList undo) : MemoryCgroup(path, undo)
{
    // "sock" is charged to the group as memory but is no part of "kernel"; the others are.
    private static readonly string[] s_kinds =
    [
        "slab_reclaimable", "slab_unreclaimable", "kernel_stack", "pagetables", "sec_pagetables", "percpu", "vmalloc",
        "sock",
    ];

    private readonly CounterFile? _stat = CounterFile.TryOpen($"{path}/memory.stat");
    private readonly CounterFile? _memory = CounterFile.TryOpen($"{path}/memory.current");
    private readonly CounterFile? _memoryPeak = CounterFile.TryOpen($"{path}/memory.peak");   // 5.19 and later
    private readonly CounterFile? _events = CounterFile.TryOpen($"{path}/memory.events");

    internal override int Version => 2;

    // The key is there since 5.18.
    internal override bool CountsKernelBytes => _stat is not null && _stat.TryReadKey("kernel"u8, out _);

    internal override long ReadKernelBytes() =>
        _stat is not null && _stat.TryReadKey("kernel"u8, out long bytes) ? bytes : throw new NotSupportedException();

    internal override long? ReadKernelPeakBytes() => null;

    internal override long ReadMemoryBytes() => (_memory ?? throw new NotSupportedException()).ReadNumber();

    internal override long? ReadMemoryPeakBytes() => _memoryPeak?.ReadNumber();

    internal override void SetMemoryMax(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        WriteLimit("memory.max", bytes == long.MaxValue ? "max" : bytes.ToString(CultureInfo.InvariantCulture), bytes);
    }

    internal override OomEvents ReadOomEvents()
    {
        if (_events is null) return default;
        ReadOnlySpan<byte> text = _events.ReadText();
        CounterFile.TryFindKey(text, "max"u8, out long limitHits);
        CounterFile.TryFindKey(text, "oom"u8, out long outOfMemory);
        CounterFile.TryFindKey(text, "oom_kill"u8, out long killed);
        return new OomEvents(limitHits, outOfMemory, killed);
    }

    internal override IReadOnlyList<(string Kind, long Bytes)> ReadKernelByKind()
    {
        if (_stat is null) return [];
        var parts = new List<(string, long)>();
        ReadOnlySpan<byte> text = _stat.ReadText();
        foreach (string kind in s_kinds)
            if (CounterFile.TryFindKey(text, Encoding.UTF8.GetBytes(kind), out long bytes)) parts.Add((kind, bytes));
        return parts;
    }

    /// <remarks>
    /// The kernel chooses what goes, page cache or kernel objects. "Try again" is its answer when it could free less
    /// than
    /// asked; a kernel before 5.19 does not have the file. Neither matters: the caller measures.
    /// </remarks>
    protected override void ReclaimCore(long bytes) =>
        KernelCgroupFiles.WriteText($"{Path}/memory.reclaim", bytes.ToString(CultureInfo.InvariantCulture));

    protected override void CloseFiles()
    {
        _stat?.Dispose();
        _memory?.Dispose();
        _memoryPeak?.Dispose();
        _events?.Dispose();
    }
}
