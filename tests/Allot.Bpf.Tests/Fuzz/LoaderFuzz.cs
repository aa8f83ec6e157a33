using Allot.Maps;

namespace Allot.Bpf.Tests.Fuzz;

/// <summary>Takes one program through loader, verifier and both engines. Whatever it is, it is refused with a reason, or
/// runs within its budget and changes nothing but its memory; and both engines say the same if it was verified.</summary>
internal static class LoaderFuzz
{
    private const int GuardBytes = 64;
    private const byte Guard = 0xa5;

    private static readonly MapDefinition s_array =
        new() { Name = "array", Type = MapType.Array, KeyBytes = 4, ValueBytes = 24, Capacity = 2 };

    private static readonly MapDefinition s_hash =
        new() { Name = "hash", Type = MapType.Hash, KeyBytes = 8, ValueBytes = 16, Capacity = 4 };

    /// <param name="seed">Which program.</param>
    /// <param name="verification">How much is proven.</param>
    /// <param name="compiles">Whether it is compiled too, which takes a hundred times as long as the rest.</param>
    /// <returns>Whether the program was accepted.</returns>
    /// <exception cref="InvalidOperationException">Something happened that must not.</exception>
    public static bool Check(ulong seed, BpfVerification verification, bool compiles = true)
    {
        byte[] program = MutatedProgram.Make(seed);
        try
        {
            Outcome? interpreted = Run(program, seed, verification, BpfEngine.Interpreter);
            if (interpreted is null) return false;
            Outcome? compiled = compiles ? Run(program, seed, verification, BpfEngine.Compiler) : interpreted;
            // What is not verified can take its way by addresses, which differ from run to run.
            bool mustAgree = verification == BpfVerification.Full;
            if (compiled is null || (mustAgree && !interpreted.Equals(compiled)))
            {
                throw new InvalidOperationException($"the interpreter says {interpreted}, the compiler {compiled}");
            }

            bool mayFail = verification == BpfVerification.Structure || interpreted.Kind is BpfFaultKind.OutOfBudget;
            if (interpreted.Kind == BpfFaultKind.None || mayFail) return true;
            throw new InvalidOperationException($"a verified program has failed: {interpreted}");
        }
        catch (Exception failure)
        {
            throw new InvalidOperationException(
                $"seed {seed}, {verification}: {failure.Message}\n{BpfDisassembler.Disassemble(program)}", failure);
        }
    }

    private static Outcome? Run(byte[] program, ulong seed, BpfVerification verification, BpfEngine engine)
    {
        MemoryGroup group = new MemoryController().Root;
        byte[] memory = new byte[RandomProgram.MemoryBytes + (2 * GuardBytes)];
        Array.Fill(memory, Guard);
        RandomProgram.Memory(seed).CopyTo(memory, GuardBytes);
        Outcome? outcome = null;
        using (GroupMap array = BpfMaps.Create(group, s_array))
        using (GroupMap hash = BpfMaps.Create(group, s_hash))
        {
            BpfProgram? loaded = null;
            try
            {
                loaded = BpfProgram.Load(group, program, new BpfProgramOptions
                {
                    Maps = [array, hash],
                    Helpers = [s_clock, s_random],
                    Verification = verification,
                    Engine = engine,
                    MemoryBytesMin = verification == BpfVerification.Full ? RandomProgram.MemoryBytes : 0,
                    InstructionBudget = 100_000,
                    VerificationBudget = 20_000,
                });
            }
            catch (BpfRefusedException)
            {
            }

            if (loaded is not null)
            {
                Span<byte> own = memory.AsSpan(GuardBytes, RandomProgram.MemoryBytes);
                bool ran = loaded.TryRun(own, out ulong result, out BpfFault fault);

                bool isProven = verification == BpfVerification.Full && ran;
                outcome = new Outcome(
                    isProven ? result : 0, fault.Kind, fault.Instruction, isProven ? Convert.ToHexString(own) : "");
                loaded.Dispose();
            }
        }

        bool isGuarded = memory.AsSpan(0, GuardBytes).IndexOfAnyExcept(Guard) < 0
            && memory.AsSpan(GuardBytes + RandomProgram.MemoryBytes).IndexOfAnyExcept(Guard) < 0;
        if (!isGuarded) throw new InvalidOperationException("memory of somebody else was written");
        long left = group.Memory.CurrentBytes;
        if (left != 0) throw new InvalidOperationException($"{left} bytes stay charged");
        return outcome;
    }

    // The same in every run.
    private static readonly BpfHelper s_clock = new(5, "ktime_get_ns", static (_, _, _, _, _, _) => 1_000);

    private static readonly BpfHelper s_random = new(7, "get_prandom_u32", static (_, _, _, _, _, _) => 42);

    private sealed record Outcome(ulong Result, BpfFaultKind Kind, int Instruction, string Memory);
}
