using System.Buffers.Binary;
using Allot.Processes.Seccomp;

namespace Allot.Processes.Tests.Seccomp;

/// <summary>Runs a filter the way the kernel does, and fails on anything the kernel would not accept.</summary>
internal static class BpfInterpreter
{
    public static uint Run(ReadOnlySpan<BpfInstruction> program, ReadOnlySpan<byte> data, out bool readAnArgument)
    {
        uint a = 0;
        uint x = 0;
        readAnArgument = false;
        for (int pc = 0; pc < program.Length; pc++)
        {
            BpfInstruction instruction = program[pc];
            bool taken;
            switch (instruction.Code)
            {
                case BpfInstruction.LoadWord:
                    Assert.True(instruction.Operand % 4 == 0 && instruction.Operand < 64, "A load is aligned, inside.");
                    a = BinaryPrimitives.ReadUInt32LittleEndian(data[(int)instruction.Operand..]);
                    readAnArgument |= instruction.Operand >= 8;
                    continue;
                case BpfInstruction.And: a &= instruction.Operand; continue;
                case BpfInstruction.CopyToX: x = a; continue;
                case BpfInstruction.Jump: pc += checked((int)instruction.Operand); continue;
                case BpfInstruction.Return: return instruction.Operand;
                case BpfInstruction.JumpEqual: taken = a == instruction.Operand; break;
                case BpfInstruction.JumpGreaterOrEqual: taken = a >= instruction.Operand; break;
                case BpfInstruction.JumpAnyBit: taken = (a & instruction.Operand) != 0; break;
                case BpfInstruction.JumpEqualX: taken = a == x; break;
                case BpfInstruction.JumpGreaterX: taken = a > x; break;
                default: throw new InvalidOperationException($"No such instruction: {instruction.Code:x}");
            }
            pc += taken ? instruction.JumpTrue : instruction.JumpFalse;
        }
        throw new InvalidOperationException("The program runs past its end.");
    }

    public static byte[] Data(int number, uint architecture, ReadOnlySpan<ulong> arguments)
    {
        byte[] data = new byte[64];
        BinaryPrimitives.WriteInt32LittleEndian(data, number);
        BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(4), architecture);
        for (int i = 0; i < 6; i++) BinaryPrimitives.WriteUInt64LittleEndian(data.AsSpan(16 + i * 8), arguments[i]);
        return data;
    }
}
