namespace Allot.Bpf;

/// <summary>The parts of an opcode, with the names of RFC 9669 without their prefix.</summary>
internal static class Opcodes
{
    // Classes: the three low bits.
    public const byte Ld = 0x00;
    public const byte Ldx = 0x01;
    public const byte St = 0x02;
    public const byte Stx = 0x03;
    public const byte Alu = 0x04;
    public const byte Jmp = 0x05;
    public const byte Jmp32 = 0x06;
    public const byte Alu64 = 0x07;

    // Arithmetic and jumps: the second operand is a register and not the immediate.
    public const byte X = 0x08;

    // Sizes of memory accesses.
    public const byte W = 0x00;
    public const byte H = 0x08;
    public const byte B = 0x10;
    public const byte Dw = 0x18;

    // Modes of memory accesses.
    public const byte Imm = 0x00;
    public const byte Abs = 0x20;
    public const byte Ind = 0x40;
    public const byte Mem = 0x60;
    public const byte MemSx = 0x80;
    public const byte Atomic = 0xc0;

    public const byte LoadImmediate64 = Ld | Imm | Dw;
    public const byte Call = Jmp | 0x80;
    public const byte CallRegister = Call | X;
    public const byte Exit = Jmp | 0x90;
    public const byte Jcond = Jmp | 0xe0;

    public static int ClassOf(byte opcode) => opcode & 7;
}
