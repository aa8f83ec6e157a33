using System.Diagnostics;
using Allot.Bpf.Tests.Support;

namespace Allot.Bpf.Tests.Issues;

/// <summary>The verifier walks back to the beginning of the program for each number that matters, where no jump ends:
/// 160,000 instructions take minutes, and the kernel accepts them at once. The most that are allowed would take hours.
/// </summary>
public sealed class VerifierTimeTests
{
    private const int Few = 1_000, Times = 8, Random = 7;

    [Fact]
    public void Eight_times_the_instructions_do_not_take_64_times_as_long()
    {
        TimeToLoad(Few);
        double ratio = double.MaxValue;
        for (int attempt = 0; attempt < 10 && ratio >= 3 * Times; attempt++)   // others may have the processors
        {
            ratio = double.Min(ratio, TimeToLoad(Few * Times) / TimeToLoad(Few));
        }

        Assert.True(ratio < 3 * Times, $"{Times} times the instructions take {ratio:F0} times as long");
    }

    private static double TimeToLoad(int additions)
    {
        Asm program = new Asm().Call(Random).Number(BpfOp.And64, 0, 7).Copy(6, 0);
        for (int each = 0; each < additions; each++) program.Copy(2, 10).Register(BpfOp.Add64, 2, 6);
        byte[] bytes = program.Move(0, 0).Exit().Bytes();
        double shortest = double.MaxValue;
        for (int round = 0; round < 3; round++)
        {
            long start = Stopwatch.GetTimestamp();
            var options = new BpfProgramOptions { Engine = BpfEngine.Interpreter };
            BpfProgram.Load(new MemoryController().Root, bytes, options).Dispose();
            shortest = double.Min(shortest, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return shortest;
    }
}
