using Allot.Testing;

namespace Allot.Bpf.Tests.Fuzz;

/// <summary>Programs that nobody would write: valid ones with a few changes, parts of valid ones, and noise.</summary>
/// <param name="random">Which program.</param>
/// <param name="corpus">What is valid.</param>
internal sealed class MutatedProgram(Prng random, FuzzCorpus corpus)
{
    /// <summary>The program, and the maps that it may refer to.</summary>
    public (byte[] Program, FuzzMaps Maps) Make()
    {
        (byte[] program, FuzzMaps maps) = random.Below(16) switch
        {
            0 => (Bytes(), corpus.StandardMaps),
            < 3 => (Noise(), corpus.StandardMaps),
            15 => (RandomArenaProgram.Make(random.Next(), FuzzCorpus.ArenaBytes), corpus.ArenaMaps),
            < 9 when corpus.Programs.Count > 0 => Pick(),
            _ => (RandomProgram.Make(random.Next()), corpus.StandardMaps),
        };
        for (int change = random.Below(4); change > 0; change--) program = Change(program);
        return (program, maps);
    }

    private (byte[] Program, FuzzMaps Maps) Pick()
    {
        (byte[] program, FuzzMaps maps) = random.Pick(corpus.Programs);
        return ([.. program], maps);
    }

    private byte[] Bytes()
    {
        byte[] program = new byte[(8 * (1 + random.Below(8))) - (random.OneIn(8) ? 1 : 0)];
        for (int at = 0; at < program.Length; at++) program[at] = (byte)random.Next();
        return program;
    }

    // Opcodes that exist, and anything in the other fields.
    private byte[] Noise()
    {
        byte[] program = new byte[8 * (1 + random.Below(24))];
        for (int at = 0; at < program.Length; at += 8)
        {
            InstructionForm form = s_forms[random.Below(s_forms.Length)];
            new BpfInstruction(
                form.Opcode,
                (byte)random.Below(11),
                (form.Free & Fields.Source) != 0 ? (byte)random.Below(11) : form.Source,
                (form.Free & Fields.Offset) != 0 ? (short)(random.Below(16) - 12) : form.Offset,
                (form.Free & Fields.Immediate) != 0 ? random.Below(20) - 4 : form.Immediate).Write(program.AsSpan(at));
        }

        new BpfInstruction(0x95, 0, 0, 0, 0).Write(program.AsSpan(program.Length - 8));
        return program;
    }

    private byte[] Change(byte[] program)
    {
        if (program.Length < 8) return program;
        int at = random.Below(program.Length / 8) * 8;
        switch (random.Below(8))
        {
            case 0:
                program[random.Below(program.Length)] ^= (byte)(1 << random.Below(8));
                return program;
            case 1:
                program[at + 1] = (byte)(random.Below(11) | (random.Below(11) << 4));
                return program;
            case 2:
                BitConverter.TryWriteBytes(program.AsSpan(at + 2), (short)(random.Below(40) - 20));
                return program;
            case 3:
                BitConverter.TryWriteBytes(program.AsSpan(at + 4), random.Below(64) - 8);
                return program;
            case 4:
                BitConverter.TryWriteBytes(program.AsSpan(at + 4), random.Pick(s_edges));
                return program;
            case 5:
                return [.. program.AsSpan(0, at), .. program.AsSpan(int.Min(at + 8, program.Length - 8))];
            case 6:
                program[at] = random.Pick(s_forms).Opcode;
                return program;
            default:
                int from = random.Below(program.Length / 8) * 8;
                return [.. program.AsSpan(0, at), .. program.AsSpan(from, 8), .. program.AsSpan(at)];
        }
    }

    private static readonly int[] s_edges =
        [0, 1, -1, 31, 32, 63, 64, 255, 256, 511, 512, 4096, 0x7fff, 0xffff, int.MaxValue, int.MinValue, -512];

    private static readonly InstructionForm[] s_forms = [.. InstructionForm.All];
}
