namespace Allot.Bpf;

/// <summary>The rows of the table of instructions.</summary>
internal static class InstructionForms
{
    private const Fields DestinationAndSource = Fields.Destination | Fields.Source;
    private const Fields DestinationAndImmediate = Fields.Destination | Fields.Immediate;

    // The operation bits of the opcode, and the 64-bit operation.
    private static readonly (byte Code, BpfOp Op)[] s_arithmetic =
    [
        (0x00, BpfOp.Add64), (0x10, BpfOp.Sub64), (0x20, BpfOp.Mul64), (0x30, BpfOp.Div64), (0x40, BpfOp.Or64),
        (0x50, BpfOp.And64), (0x60, BpfOp.Lsh64), (0x70, BpfOp.Rsh64), (0x90, BpfOp.Mod64), (0xa0, BpfOp.Xor64),
        (0xb0, BpfOp.Mov64), (0xc0, BpfOp.Arsh64),
    ];

    private static readonly (byte Code, BpfOp Op)[] s_jumps =
    [
        (0x10, BpfOp.Jeq64), (0x20, BpfOp.Jgt64), (0x30, BpfOp.Jge64), (0x40, BpfOp.Jset64), (0x50, BpfOp.Jne64),
        (0x60, BpfOp.Jsgt64), (0x70, BpfOp.Jsge64), (0xa0, BpfOp.Jlt64), (0xb0, BpfOp.Jle64), (0xc0, BpfOp.Jslt64),
        (0xd0, BpfOp.Jsle64),
    ];

    private static readonly (int Immediate, BpfOp Op)[] s_atomics =
    [
        (0x00, BpfOp.AtomicAdd64), (0x40, BpfOp.AtomicOr64), (0x50, BpfOp.AtomicAnd64), (0xa0, BpfOp.AtomicXor64),
        (0x01, BpfOp.FetchAdd64), (0x41, BpfOp.FetchOr64), (0x51, BpfOp.FetchAnd64), (0xa1, BpfOp.FetchXor64),
        (0xe1, BpfOp.Exchange64), (0xf1, BpfOp.CompareExchange64),
    ];

    public static IEnumerable<InstructionForm> All() =>
        [.. Arithmetic(), .. Extensions(), .. ByteOrders(), .. Memory(), .. Atomics(), .. Jumps(), .. Others()];

    private static IEnumerable<InstructionForm> Arithmetic()
    {
        foreach ((byte code, BpfOp op) in s_arithmetic)
        {
            foreach (InstructionForm form in Pair(code, op, offset: 0)) yield return form;
        }

        // Division is signed when the offset is 1.
        foreach (InstructionForm form in Pair(0x30, BpfOp.SDiv64, offset: 1)) yield return form;
        foreach (InstructionForm form in Pair(0x90, BpfOp.SMod64, offset: 1)) yield return form;
        yield return new(Opcodes.Alu64 | 0x80, BpfOp.Neg64, Fields.Destination);
        yield return new(Opcodes.Alu | 0x80, BpfOp.Neg32, Fields.Destination);
    }

    // 64 and 32 bits, each with a number and with a register.
    private static IEnumerable<InstructionForm> Pair(byte code, BpfOp op, short offset)
    {
        for (int half = 0; half < 2; half++)
        {
            byte kind = half == 0 ? Opcodes.Alu64 : Opcodes.Alu;
            yield return new((byte)(kind | code), op.Plus(half), DestinationAndImmediate) { Offset = offset };
            yield return new((byte)(kind | code | Opcodes.X), op.Plus(half), DestinationAndSource) { Offset = offset };
        }
    }

    // A move from a register whose offset is a number of bits.
    private static IEnumerable<InstructionForm> Extensions()
    {
        const byte Move = 0xb0 | Opcodes.X;
        yield return new(Opcodes.Alu64 | Move, BpfOp.MovSx8To64, DestinationAndSource) { Offset = 8 };
        yield return new(Opcodes.Alu64 | Move, BpfOp.MovSx16To64, DestinationAndSource) { Offset = 16 };
        yield return new(Opcodes.Alu64 | Move, BpfOp.MovSx32To64, DestinationAndSource) { Offset = 32 };
        yield return new(Opcodes.Alu | Move, BpfOp.MovSx8To32, DestinationAndSource) { Offset = 8 };
        yield return new(Opcodes.Alu | Move, BpfOp.MovSx16To32, DestinationAndSource) { Offset = 16 };

        // The immediate is the address space to go to, and in the lower half the one to come from.
        const byte Cast = Opcodes.Alu64 | Move;
        yield return new(Cast, BpfOp.CastToArena, DestinationAndSource) { Offset = 1, Immediate = 1 };
        yield return new(Cast, BpfOp.CastFromArena, DestinationAndSource) { Offset = 1, Immediate = 1 << 16 };
    }

    private static IEnumerable<InstructionForm> ByteOrders()
    {
        for (int size = 0; size < 3; size++)
        {
            int bits = 16 << size;
            (byte Opcode, BpfOp Op)[] orders =
            [
                (Opcodes.Alu | 0xd0, BpfOp.Le16),
                (Opcodes.Alu | 0xd0 | Opcodes.X, BpfOp.Be16),
                (Opcodes.Alu64 | 0xd0, BpfOp.Swap16),
            ];
            foreach ((byte opcode, BpfOp op) in orders)
            {
                yield return new(opcode, op.Plus(size), Fields.Destination) { Immediate = bits };
            }
        }
    }

    private static IEnumerable<InstructionForm> Memory()
    {
        const Fields Free = DestinationAndSource | Fields.Offset;
        byte[] sizes = [Opcodes.B, Opcodes.H, Opcodes.W, Opcodes.Dw];
        for (int size = 0; size < 4; size++)
        {
            byte mode = (byte)(Opcodes.Mem | sizes[size]);
            BpfOp store = BpfOp.Store8.Plus(size);
            yield return new((byte)(Opcodes.Ldx | mode), BpfOp.Load8.Plus(size), Free);
            yield return new((byte)(Opcodes.Stx | mode), store, Free);
            yield return new((byte)(Opcodes.St | mode), store, DestinationAndImmediate | Fields.Offset);
            if (size == 3) continue;
            byte extended = (byte)(Opcodes.Ldx | Opcodes.MemSx | sizes[size]);
            yield return new(extended, BpfOp.LoadSx8.Plus(size), Free);
        }
    }

    private static IEnumerable<InstructionForm> Atomics()
    {
        const byte Code = Opcodes.Stx | Opcodes.Atomic;
        const Fields Free = DestinationAndSource | Fields.Offset;
        foreach ((int immediate, BpfOp op) in s_atomics)
        {
            yield return new(Code | Opcodes.Dw, op, Free) { Immediate = immediate };
            yield return new(Code | Opcodes.W, op.Plus(1), Free) { Immediate = immediate };
        }

        byte[] sizes = [Opcodes.B, Opcodes.H, Opcodes.W, Opcodes.Dw];
        for (int size = 0; size < 4; size++)
        {
            byte code = (byte)(Code | sizes[size]);
            yield return new(code, BpfOp.LoadAcquire8.Plus(size), Free) { Immediate = 0x100 };
            yield return new(code, BpfOp.StoreRelease8.Plus(size), Free) { Immediate = 0x110 };
        }
    }

    private static IEnumerable<InstructionForm> Jumps()
    {
        yield return new(Opcodes.Jmp, BpfOp.Ja, Fields.Offset);
        yield return new(Opcodes.Jmp32, BpfOp.Ja, Fields.Immediate);
        yield return new(Opcodes.Jcond, BpfOp.MayGoto, Fields.Offset);
        foreach ((byte code, BpfOp op) in s_jumps)
        {
            for (int half = 0; half < 2; half++)
            {
                byte kind = half == 0 ? Opcodes.Jmp : Opcodes.Jmp32;
                yield return new((byte)(kind | code), op.Plus(half), DestinationAndImmediate | Fields.Offset);
                yield return new((byte)(kind | code | Opcodes.X), op.Plus(half), DestinationAndSource | Fields.Offset);
            }
        }
    }

    private static IEnumerable<InstructionForm> Others()
    {
        // The source says what the constant is: a number, a map by its number (1 and 5), or an address in the first
        // value of such a map (2 and 6), whose offset is the immediate of the second half; or a function (4), whose
        // place is as far away as that of a call.
        yield return new(Opcodes.LoadImmediate64, BpfOp.LoadNumber, DestinationAndImmediate);
        yield return new(Opcodes.LoadImmediate64, BpfOp.LoadMap, DestinationAndImmediate) { Source = 1 };
        yield return new(Opcodes.LoadImmediate64, BpfOp.LoadMapValue, DestinationAndImmediate) { Source = 2 };
        yield return new(Opcodes.LoadImmediate64, BpfOp.LoadFunction, DestinationAndImmediate) { Source = 4 };
        yield return new(Opcodes.LoadImmediate64, BpfOp.LoadMap, DestinationAndImmediate) { Source = 5 };
        yield return new(Opcodes.LoadImmediate64, BpfOp.LoadMapValue, DestinationAndImmediate) { Source = 6 };
        yield return new(Opcodes.Call, BpfOp.CallHelper, Fields.Immediate);
        yield return new(Opcodes.Call, BpfOp.CallLocal, Fields.Immediate) { Source = 1 };

        // Not in RFC 9669, which keeps the opcode for it. The register is the destination; clang before version 19 has
        // put it into the immediate.
        yield return new(Opcodes.CallRegister, BpfOp.CallRegister, Fields.Destination);
        yield return new(Opcodes.CallRegister, BpfOp.CallRegister, Fields.Immediate);
        yield return new(Opcodes.Exit, BpfOp.Exit, Fields.None);
    }
}
