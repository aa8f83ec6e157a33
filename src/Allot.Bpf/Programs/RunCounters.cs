using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Allot.Bpf;

/// <summary>The statistics of a program: a line of counters for each processor, in memory that its group pays for.
/// </summary>
internal sealed unsafe class RunCounters
{
    private readonly int _processors = Environment.ProcessorCount;
    private Line* _lines;

    public RunCounters(MemoryGroup group)
    {
        int bytes = _processors * sizeof(Line);
        _lines = (Line*)group.Allocator(MemoryKind.Kernel).Allocate((nuint)bytes);
        new Span<byte>(_lines, bytes).Clear();
    }

    public long ChargedBytes => _lines == null ? 0 : GroupMemory.BytesOf((byte*)_lines);

    /// <summary>A run has ended. It may have moved to another processor meanwhile, so the counters are added to
    /// atomically.</summary>
    public void Count(long ticks, bool isFault)
    {
        Line* line = _lines + (Thread.GetCurrentProcessorId() % _processors);
        Interlocked.Increment(ref line->Runs);
        Interlocked.Add(ref line->Ticks, ticks);
        if (isFault) Interlocked.Increment(ref line->Faults);
    }

    public BpfRunStatistics Read()
    {
        long runs = 0, faults = 0, ticks = 0;
        for (int processor = 0; processor < _processors && _lines != null; processor++)
        {
            runs += Interlocked.Read(ref _lines[processor].Runs);
            faults += Interlocked.Read(ref _lines[processor].Faults);
            ticks += Interlocked.Read(ref _lines[processor].Ticks);
        }

        return new BpfRunStatistics(runs, faults, Stopwatch.GetElapsedTime(0, ticks));
    }

    public void Free()
    {
        Line* lines = _lines;
        _lines = null;
        GroupMemory.Free((byte*)lines);
    }

    [StructLayout(LayoutKind.Sequential, Size = 64)]
    private struct Line
    {
        public long Runs;
        public long Faults;
        public long Ticks;
    }
}
