using Allot.Bpf.Tests.Support;
using Allot.Maps;
using Allot.Testing;

namespace Allot.Bpf.Tests.Callbacks;

/// <summary>Programs with callbacks, dynamic pointers and maps in maps, and changes that nobody would make: they are
/// refused, or they do not fail, say the same in both engines, and keep nothing.</summary>
public sealed class CallbackMutationTests
{
    private static readonly byte[][] s_programs = [.. KernelCallbackTests.All];

    [Theory]
    [InlineData(BpfVerification.Full)]
    [InlineData(BpfVerification.Structure)]
    public void What_is_accepted_does_not_fail(BpfVerification verification)
    {
        int programs = int.TryParse(Environment.GetEnvironmentVariable("ALLOT_BPF_PROGRAMS"), out int given) ? given : 3_000;
        ulong first = ulong.TryParse(Environment.GetEnvironmentVariable("ALLOT_BPF_SEED"), out ulong seed) ? seed : 1;
        int accepted = 0;
        for (ulong each = first; each < first + (ulong)programs; each++)
        {
            byte[] program = Make(each);
            try
            {
                if (Check(program, each, verification)) accepted++;
            }
            catch (Exception failure)
            {
                Assert.Fail($"ALLOT_BPF_SEED={each}: {failure}\n{BpfDisassembler.Disassemble(program)}");
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{accepted} of {programs} accepted");
        Assert.True(accepted > programs / 50, $"{accepted} of {programs} are accepted.");
    }

    private static byte[] Make(ulong seed)
    {
        var random = new Prng(seed);
        byte[] program = [.. random.OneIn(3) ? RandomCallback.Make(random.Next()) : random.Pick(s_programs)];
        for (int change = random.OneIn(3) ? 2 : 1; change > 0; change--) program = Change(random, program);
        return program;
    }

    private static byte[] Change(Prng random, byte[] program)
    {
        int at = random.Below(program.Length / 8) * 8;
        int from = random.Below(program.Length / 8) * 8;
        switch (random.Below(8))
        {
            case 0:
                program[random.Below(program.Length)] ^= (byte)(1 << random.Below(8));
                return program;
            case 1:
                program[at + 1] = (byte)(random.Below(11) | (random.Below(11) << 4));
                return program;
            case 2:
                BitConverter.TryWriteBytes(program.AsSpan(at + 2), (short)(random.Below(6) * -8));
                return program;
            case 3:
                BitConverter.TryWriteBytes(program.AsSpan(at + 4), random.Below(40) - 32);
                return program;
            case 4:
                BitConverter.TryWriteBytes(program.AsSpan(at + 4), random.Pick(s_helpers));
                return program;
            case 5:
                program.AsSpan(from, 8).CopyTo(program.AsSpan(at));
                return program;
            case 6:   // nothing, in its place
                new BpfInstruction(0x05, 0, 0, 0, 0).Write(program.AsSpan(at));
                return program;
            default:
                byte[] kept = program.AsSpan(at, 8).ToArray();
                program.AsSpan(from, 8).CopyTo(program.AsSpan(at));
                kept.CopyTo(program.AsSpan(from));
                return program;
        }
    }

    // The same in every run.
    private static readonly BpfHelper[] s_constants =
    [
        new(5, "ktime_get_ns", static (_, _, _, _, _, _) => 1_000),
        new(7, "get_prandom_u32", static (_, _, _, _, _, _) => 42),
        new(8, "get_smp_processor_id", static (_, _, _, _, _, _) => 1),
    ];

    private static readonly int[] s_helpers = [1, 2, 3, 131, 132, 133, 164, 181, 197, 198, 199, 200, 201, 202, 203];

    private static bool Check(byte[] program, ulong seed, BpfVerification verification)
    {
        (ulong Result, BpfFaultKind Kind, string Memory)? first = null;
        foreach (BpfEngine engine in Engines.All)
        {
            if (engine == BpfEngine.Compiler && seed % 8 != 0) continue;
            MemoryGroup group = new MemoryController().Root;
            GroupMap[] maps = [.. KernelCallbackTests.Definitions.Select(each => BpfMaps.Create(group, each))];
            using (GroupMap inner = BpfMaps.Create(group, KernelCallbackTests.Definitions[0]))
            {
                ((ArrayOfMaps)maps[3]).Put(1, inner);
            }

            BpfProgram? loaded = TryLoad(group, program, maps, verification, engine);
            for (int run = 0; run < 3 && loaded is not null; run++)
            {
                byte[] memory = [.. Enumerable.Range(0, 8).Select(each => (byte)((seed >> each) + (ulong)run))];
                bool isOver = loaded.TryRun(memory, out ulong result, out BpfFault fault);
                if (verification == BpfVerification.Structure) continue;
                if (!isOver && fault.Kind != BpfFaultKind.OutOfBudget) throw new InvalidOperationException($"{engine}: {fault}");
                if (run > 0) continue;
                var outcome = (result, fault.Kind, Convert.ToHexString(memory));
                Assert.Equal(first ??= outcome, outcome);
            }

            var ring = (RingBuffer)maps[1];
            while (ring.TryRead(out RingRecord record)) record.Dispose();
            Assert.Equal(0, ring.AvailableBytes);
            bool isAccepted = loaded is not null;
            loaded?.Dispose();
            foreach (GroupMap map in maps) map.Dispose();
            Assert.Equal(0, group.Memory.CurrentBytes);
            if (!isAccepted) return false;
        }

        return true;
    }

    private static BpfProgram? TryLoad(
        MemoryGroup group, byte[] program, GroupMap[] maps, BpfVerification verification, BpfEngine engine)
    {
        try
        {
            return BpfProgram.Load(group, program, new BpfProgramOptions
            {
                Maps = maps,
                Helpers = s_constants,
                MemoryBytesMin = 8,
                Engine = engine,
                Verification = verification,
                VerificationBudget = 20_000,
                InstructionBudget = 100_000,
            });
        }
        catch (BpfRefusedException)
        {
            return null;
        }
    }
}
