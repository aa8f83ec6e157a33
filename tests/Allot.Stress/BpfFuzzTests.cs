using System.Diagnostics;
using System.Globalization;
using Allot.Bpf.Tests.Fuzz;
using Allot.Bpf.Tests.Support;

namespace Allot.Stress;

/// <summary>Random and mutated BPF programs and objects through loader, verifier and both engines: refused with a reason,
/// or within their budget and memory, and charged to nobody afterwards.</summary>
/// <remarks>ALLOT_STRESS_FACTOR multiplies the number of programs, ALLOT_STRESS_SEED is the first one's seed, and
/// ALLOT_STRESS_SECONDS goes on for that long instead. ALLOT_STRESS_LOG names a file for a line every 100,000 programs,
/// and another beside it (<c>.at</c>) that holds the seed being checked, for what ends or hangs the process. All are
/// interpreted, and a few compiled. Ten million programs:
/// <code>ALLOT_STRESS_FACTOR=1000 ALLOT_STRESS_LOG=fuzz.log Allot.Stress --filter-class "*BpfFuzzTests"</code>
/// A failure names its seed, which as ALLOT_STRESS_SEED comes first.</remarks>
public sealed class BpfFuzzTests
{
    private const int Programs = 10_000;
    private const int ProgressEach = 100_000;
    private const ulong CompiledOneOf = 64;

    [Fact]
    public void No_program_does_harm()
    {
        ulong first = Load.SeedsOfTimed.First();
        long programs = (long)Programs * Load.Operations(1);
        string? log = Environment.GetEnvironmentVariable("ALLOT_STRESS_LOG");
        using FileStream? at = log is null ? null : File.Create($"{log}.at");
        long start = Stopwatch.GetTimestamp();
        using var fuzz = new LoaderFuzz(Clang.CompileAll());
        for (ulong seed = first; !IsOver(); seed++)
        {
            if (at is not null) RandomAccess.Write(at.SafeFileHandle, BitConverter.GetBytes(seed), fileOffset: 0);
            fuzz.Check(seed, compiles: seed % CompiledOneOf == 0);
            bool isProgress = (seed - first) % ProgressEach == ProgressEach - 1;
            if (isProgress && log is not null) Report(log, first, seed);
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"from seed {first}: {fuzz.Counts}");
        Assert.InRange(fuzz.Counts.Verified, 1, fuzz.Counts.Programs);

        bool IsOver() => Load.Seconds == 0
            ? fuzz.Counts.Programs >= programs
            : Stopwatch.GetElapsedTime(start).TotalSeconds >= Load.Seconds;

        void Report(string file, ulong from, ulong to)
        {
            using Process self = Process.GetCurrentProcess();
            File.AppendAllText(file, string.Create(
                CultureInfo.InvariantCulture,
                $"seeds {from} to {to}, {Stopwatch.GetElapsedTime(start).TotalSeconds:F0} s, "
                + $"{self.TotalProcessorTime.TotalSeconds:F0} s of a processor: {fuzz.Counts}\n"));
        }
    }
}
