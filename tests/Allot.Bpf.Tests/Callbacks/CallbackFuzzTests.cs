using Allot.Maps;
using Allot.Testing;

namespace Allot.Bpf.Tests.Callbacks;

/// <summary>Random programs with functions that helpers call: what is accepted does not fail, whatever its memory holds,
/// and does the same in both engines.</summary>
public sealed class CallbackFuzzTests
{
    private static readonly MapDefinition s_array =
        new() { Name = "counts", Type = MapType.Array, KeyBytes = 4, ValueBytes = 16, Capacity = 1 };

    [Fact]
    public void What_is_accepted_does_not_fail()
    {
        int programs = int.TryParse(Environment.GetEnvironmentVariable("ALLOT_BPF_PROGRAMS"), out int given) ? given : 1_000;
        ulong first = ulong.TryParse(Environment.GetEnvironmentVariable("ALLOT_BPF_SEED"), out ulong seed) ? seed : 1;
        int accepted = 0, tooComplex = 0;
        MemoryGroup group = new MemoryController().Root;
        using GroupMap array = BpfMaps.Create(group, s_array);
        for (ulong each = first; each < first + (ulong)programs; each++)
        {
            byte[] program = RandomCallback.Make(each);
            try
            {
                if (Check(group, array, program, each)) accepted++;
            }
            catch (BpfRefusedException refused) when (refused.Message.Contains("too complex", StringComparison.Ordinal))
            {
                tooComplex++;
            }
            catch (BpfRefusedException)
            {
            }
            catch (Exception failure)
            {
                Assert.Fail($"ALLOT_BPF_SEED={each}: {failure.Message}\n{BpfDisassembler.Disassemble(program)}");
            }
        }

        Assert.True(accepted > programs / 20, $"{accepted} of {programs} are accepted.");
        TestContext.Current.TestOutputHelper?.WriteLine($"{accepted} of {programs} accepted, {tooComplex} too complex");
    }

    private static bool Check(MemoryGroup group, GroupMap array, byte[] program, ulong seed)
    {
        var options = new BpfProgramOptions { Maps = [array], MemoryBytesMin = 8, VerificationBudget = 100_000 };
        options.Engine = BpfEngine.Interpreter;
        using BpfProgram interpreted = BpfProgram.Load(group, program, options);
        options.Engine = BpfEngine.Compiler;
        using BpfProgram? compiled = seed % 16 == 0 ? BpfProgram.Load(group, program, options) : null;
        var random = new Prng(seed);
        for (int run = 0; run < 12; run++)
        {
            byte[] memory = [.. Enumerable.Range(0, 8).Select(_ => (byte)random.Below(run < 6 ? 20 : 256))];
            bool isOver = interpreted.TryRun([.. memory], out ulong result, out BpfFault fault);
            if (!isOver) throw new InvalidOperationException($"{Convert.ToHexString(memory)}: {fault}");
            if (compiled is null) continue;
            Assert.True(compiled.TryRun([.. memory], out ulong same, out BpfFault compiledFault), compiledFault.ToString());
            Assert.Equal(result, same);
        }

        return true;
    }
}
