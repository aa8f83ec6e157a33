using System.Diagnostics;
using Allot.Bpf;
using Allot.Bpf.Tests.Fuzz;

namespace Allot.Stress;

/// <summary>Mutated and random BPF programs through loader, verifier and both engines: refused with a reason, or within
/// their budget and memory, and charged to nobody afterwards.</summary>
/// <remarks>ALLOT_STRESS_FACTOR multiplies the number of programs; ALLOT_STRESS_SECONDS goes on for that long instead.
/// A run for a time compiles one of 32 programs, and interprets all. A failure names its seed:
/// <c>LoaderFuzz.Check(seed, ...)</c> repeats it.</remarks>
public sealed class BpfFuzzTests
{
    private const int Programs = 4_000;
    private const int CompiledOneOf = 32;

    [Theory]
    [InlineData(BpfVerification.Full)]
    [InlineData(BpfVerification.Structure)]
    public void No_program_does_harm(BpfVerification verification)
    {
        ulong first = Load.Seconds == 0 ? 1_000_000ul : (ulong)Stopwatch.GetTimestamp();
        long start = Stopwatch.GetTimestamp();
        int accepted = 0;
        int checkedPrograms = 0;
        int programs = Load.Operations(Programs);
        while (Load.Seconds == 0 ? checkedPrograms < programs : Stopwatch.GetElapsedTime(start).TotalSeconds < Load.Seconds)
        {
            bool compiles = Load.Seconds == 0 || checkedPrograms % CompiledOneOf == 0;
            accepted += LoaderFuzz.Check(first + (ulong)checkedPrograms++, verification, compiles) ? 1 : 0;
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{checkedPrograms} programs, {accepted} accepted");
        Assert.InRange(accepted, 1, checkedPrograms);
    }
}
