using Allot.Testing;

namespace Allot.Bpf.Tests.Fuzz;

/// <summary>Takes programs through loader, verifier and both engines. Whatever it is, it is refused with a reason, or runs
/// within its budget and changes nothing but its memory; and both engines say the same if it was verified.</summary>
/// <param name="objects">Objects of a compiler, whose programs are mutated. A seed means the same with the same
/// objects.</param>
internal sealed class LoaderFuzz(IReadOnlyList<byte[]> objects) : IDisposable
{
    private const long MapsBytesMax = 4 << 20;   // of an object that may ask for anything

    // Of most programs, and of one in so many: the verifier is what takes time.
    private const int VisitedMost = 2_000, VisitedMany = 100_000, ManyOneOf = 128;

    private readonly FuzzCorpus _corpus = new(new MemoryController().Root, objects);
    private readonly MemoryGroup _group = new MemoryController().Root;
    private readonly MemoryGroup _limited =
        new MemoryController(new MemoryGroupOptions { MaxBytes = MapsBytesMax }).Root;
    private readonly GuardedMemory _memory = new();
    private readonly byte[] _left = new byte[RandomProgram.MemoryBytes];   // by the interpreter

    /// <summary>How many have come so far.</summary>
    public FuzzCounts Counts { get; private set; }

    /// <param name="seed">Which program, and how much is proven: if the verifier refuses it, one of two is run by its
    /// structure only.</param>
    /// <param name="compiles">Whether it is compiled too, which takes a hundred times as long as the rest.</param>
    /// <exception cref="InvalidOperationException">Something happened that must not.</exception>
    public void Check(ulong seed, bool compiles)
    {
        var random = new Prng(seed);
        if (random.OneIn(32) && objects.Count > 0)
        {
            CheckObject(seed, MutatedObject.Make(random, objects), random);
            return;
        }

        (byte[] program, FuzzMaps maps) = new MutatedProgram(random, _corpus).Make();
        Check(new Input(seed, program, maps, random.Next(), _group), compiles);
    }

    public void Dispose()
    {
        _corpus.Dispose();
        _memory.Dispose();
    }

    private void CheckObject(ulong seed, byte[] bytes, Prng random)
    {
        try
        {
            BpfObject read = BpfObject.Read(bytes);
            using var maps = new FuzzMaps(_limited, read.CreateMaps);
            maps.Fresh();
            foreach (BpfObjectProgram each in read.Programs)
            {
                Check(new Input(seed, each.Instructions.ToArray(), maps, random.Next(), _limited), compiles: false);
            }
        }
        catch (Exception refused) when (refused is BpfRefusedException or MemoryLimitExceededException)
        {
            Counts = Counts with { Objects = Counts.Objects + 1, ObjectsRefused = Counts.ObjectsRefused + 1 };
            return;
        }
        catch (Exception failure) when (failure is not FuzzFailure)
        {
            throw new FuzzFailure($"seed {seed}, an object of {bytes.Length} bytes: {failure.Message}", failure);
        }

        Counts = Counts with { Objects = Counts.Objects + 1 };
    }

    private void Check(Input input, bool compiles)
    {
        try
        {
            bool isVerified = Check(input, BpfVerification.Full, compiles);
            bool isStructured = !isVerified && input.Choice % 2 == 0 && Check(input, BpfVerification.Structure, compiles);
            Counts = Counts with
            {
                Programs = Counts.Programs + 1,
                Verified = Counts.Verified + (isVerified ? 1 : 0),
                Structured = Counts.Structured + (isStructured ? 1 : 0),
            };
        }
        catch (Exception failure) when (failure is not MemoryLimitExceededException)
        {
            throw new FuzzFailure(
                $"seed {input.Seed}: {failure.Message}\n{BpfDisassembler.Disassemble(input.Program)}", failure);
        }
    }

    private bool Check(Input input, BpfVerification verification, bool compiles)
    {
        Outcome? interpreted = Run(input, verification, BpfEngine.Interpreter);
        if (interpreted is not { } first) return false;
        bool hasArena = input.Maps == _corpus.ArenaMaps;
        bool mayFail = first.Kind is BpfFaultKind.None or BpfFaultKind.OutOfBudget
            || (first.Kind == BpfFaultKind.Misaligned && hasArena);
        if (verification == BpfVerification.Full && !mayFail)
        {
            throw new InvalidOperationException($"a verified program has failed: {first}");
        }

        if (!compiles) return true;
        Span<byte> left = _left.AsSpan(0, _memory.Held.Length);
        _memory.Held.CopyTo(left);
        Outcome? second = Run(input, verification, BpfEngine.Compiler);
        // What is not verified can take its way by addresses, which differ from run to run.
        bool mustAgree = (verification == BpfVerification.Full && !hasArena) || second is null;
        bool isSame = first == second && (first.Kind != BpfFaultKind.None || left.SequenceEqual(_memory.Held));
        if (isSame || !mustAgree) return true;
        throw new InvalidOperationException($"the interpreter says {first}, the compiler {second}");
    }

    private Outcome? Run(Input input, BpfVerification verification, BpfEngine engine)
    {
        bool isRandom = input.Maps == _corpus.StandardMaps || input.Maps == _corpus.ArenaMaps;
        int bytes = isRandom ? RandomProgram.MemoryBytes : s_lengths[(int)(input.Choice >> 32) & 7];
        BpfProgram program;
        try
        {
            program = BpfProgram.Load(input.Group, input.Program, new BpfProgramOptions
            {
                Maps = input.Maps.Fresh(),
                Helpers = s_helpers,
                Verification = verification,
                Engine = engine,
                MemoryBytesMin = verification == BpfVerification.Full && isRandom ? bytes : 0,
                InstructionBudget = 30_000,
                VerificationBudget = input.Choice % ManyOneOf == 0 ? VisitedMany : VisitedMost,
            });
        }
        catch (BpfRefusedException)
        {
            AssertNothingIsCharged();
            return null;
        }

        input.Maps.Use();
        _memory.Put(RandomProgram.Memory(input.Seed).AsSpan(0, bytes), atEnd: (input.Choice & 0x100) != 0);
        bool hasRun = program.TryRun(_memory.Held, out ulong result, out BpfFault fault);
        program.Dispose();
        if (!_memory.IsWhole) throw new InvalidOperationException("memory of somebody else was written");
        AssertNothingIsCharged();
        return new Outcome(hasRun ? result : 0, fault.Kind, fault.Instruction);
    }

    // The programs of objects have a group with their maps, which is looked at when those are gone.
    private void AssertNothingIsCharged()
    {
        long left = _group.Memory.CurrentBytes;
        if (left != 0) throw new InvalidOperationException($"{left} bytes stay charged");
    }

    private static readonly int[] s_lengths = [0, 1, 8, 13, 34, 64, 128, 256];

    // The same in every run.
    private static readonly BpfHelper[] s_helpers =
    [
        new(5, "ktime_get_ns", static (_, _, _, _, _, _) => 1_000),
        new(7, "get_prandom_u32", static (_, _, _, _, _, _) => 42),
        new(8, "get_smp_processor_id", static (_, _, _, _, _, _) => 1),
    ];

    // Choice: what else there is to choose, by its bits.
    private readonly record struct Input(
        ulong Seed, byte[] Program, FuzzMaps Maps, ulong Choice, MemoryGroup Group);

    private readonly record struct Outcome(ulong Result, BpfFaultKind Kind, int Instruction);
}
