using Allot.Bpf.Tests.Support;
using Allot.Testing;

namespace Allot.Bpf.Tests.Callbacks;

/// <summary>Programs with loops of helpers whose functions move numbers between places of the caller's stack and use some
/// of them as parts of addresses, with and without comparing them before. What is not safe must be refused: what is
/// accepted reads and writes inside of a map of 16 bytes, whatever the numbers become.</summary>
internal static class RandomCallback
{
    private const int Places = 4;

    public static byte[] Make(ulong seed)
    {
        var random = new Prng(seed);
        var program = new Asm();
        int labels = 0;
        program.Copy(6, 1);
        for (int place = 0; place < Places; place++)
        {
            if (random.OneIn(3))
            {
                program.Register(BpfOp.Load8, 3, 6, random.Below(8));
                if (random.OneIn(2)) program.Number(BpfOp.And64, 3, 15);
                program.Register(BpfOp.Store64, 10, 3, -8 * (place + 1));
            }
            else
            {
                program.Number(BpfOp.Store64, 10, random.Below(5) * random.Below(5), -8 * (place + 1));
            }
        }

        int functions = 1 + random.Below(2);
        int calls = 1 + random.Below(2);
        bool loopsAround = random.OneIn(4);
        if (loopsAround) program.Move(7, 0).Label("around");
        for (int call = 0; call < calls; call++)
        {
            Call(random, program, $"f{random.Below(functions)}", Places * -8);
            Body(random, program, 10, Places * -8, ref labels, steps: 2);
        }

        if (loopsAround) program.Number(BpfOp.Add64, 7, 1).If(BpfOp.Jlt64, 7, random.Below(5), "around");
        Body(random, program, 10, Places * -8, ref labels, steps: 4);
        program.Move(0, 0).Exit();
        for (int function = 0; function < functions; function++)
        {
            program.Label($"f{function}").Copy(9, 2);
            Body(random, program, 9, 0, ref labels, steps: 6);
            if (function == 0 && functions > 1 && random.OneIn(2))
            {
                program.Copy(3, 9).Move(1, random.Below(6)).Function(2, "f1").Move(4, 0).Call(181);
            }

            if (random.OneIn(3)) program.Register(BpfOp.Load64, 0, 9, 8 * random.Below(Places)).Number(BpfOp.And64, 0, 1).Exit();
            else program.Move(0, 0).Exit();
        }

        return program.Bytes();
    }

    private static void Call(Prng random, Asm program, string function, int places)
    {
        if (random.OneIn(2)) program.Move(1, random.Below(12));
        else program.Register(BpfOp.Load8, 1, 6);
        program.Function(2, function).Copy(3, 10).Number(BpfOp.Add64, 3, places).Move(4, 0).Call(181);
    }

    private static void Body(Prng random, Asm program, int register, int places, ref int labels, int steps)
    {
        int waits = -1;
        for (int step = 1 + random.Below(steps); step > 0; step--)
        {
            int Place() => places + (8 * random.Below(Places));
            program.Register(BpfOp.Load64, 3, register, Place());
            switch (random.Below(8))
            {
                case 0:
                    program.Number(BpfOp.Add64, 3, 1 + random.Below(3)).Register(BpfOp.Store64, register, 3, Place());
                    break;
                case 1 or 2:
                    program.Register(BpfOp.Store64, register, 3, Place());
                    break;
                case 3:
                    program.Number(BpfOp.And64, 3, 7).Register(BpfOp.Store64, register, 3, Place());
                    break;
                case 4:
                    program.Register(BpfOp.Load64, 4, register, Place()).Register(BpfOp.Add64, 3, 4)
                        .Register(BpfOp.Store64, register, 3, Place());
                    break;
                case 5:
                    if (waits >= 0) program.Label($"l{waits}");
                    waits = labels++;
                    program.If(random.OneIn(2) ? BpfOp.Jgt64 : BpfOp.Jle64, 3, random.Below(16), $"l{waits}");
                    break;
                default:
                    if (random.OneIn(2)) Compare(random, program, ref labels);
                    else program.MapValue(4, 0, 0).Register(BpfOp.Add64, 4, 3).Register(BpfOp.Load8, 5, 4);
                    break;
            }
        }

        if (waits >= 0) program.Label($"l{waits}");
    }

    private static void Compare(Prng random, Asm program, ref int labels)
    {
        string label = $"c{labels++}";
        program.If(BpfOp.Jge64, 3, 12 + random.Below(6), label).MapValue(4, 0, 0).Register(BpfOp.Add64, 4, 3)
            .Number(BpfOp.Store8, 4, 7).Label(label);
    }
}
