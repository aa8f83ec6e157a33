using Allot.Testing;

namespace Allot.Bpf.Tests.Fuzz;

/// <summary>Programs that nobody would write: valid ones with a few changes, parts of valid ones, and noise.</summary>
internal static class MutatedProgram
{
    public static byte[] Make(ulong seed)
    {
        var random = new Prng(seed);
        byte[] program = random.OneIn(8) ? Noise(random) : RandomProgram.Make(random.Next());
        for (int change = random.Below(4); change > 0; change--) program = Change(random, program);
        return program;
    }

    // Opcodes that exist, and anything in the other fields.
    private static byte[] Noise(Prng random)
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

    private static byte[] Change(Prng random, byte[] program)
    {
        int at = random.Below(program.Length / 8) * 8;
        switch (random.Below(6))
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
                return [.. program.AsSpan(0, at), .. program.AsSpan(int.Min(at + 8, program.Length - 8))];
            default:
                int from = random.Below(program.Length / 8) * 8;
                return [.. program.AsSpan(0, at), .. program.AsSpan(from, 8), .. program.AsSpan(at)];
        }
    }

    private static readonly InstructionForm[] s_forms = [.. InstructionForm.All];
}
