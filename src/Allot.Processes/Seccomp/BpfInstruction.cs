using System.Runtime.InteropServices;

namespace Allot.Processes.Seccomp;

/// <summary>
/// One instruction of classic BPF (<c>struct sock_filter</c>): accumulator A, index register X, forward jumps only.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct BpfInstruction(ushort Code, byte JumpTrue, byte JumpFalse, uint Operand)
{
    public const ushort LoadWord = 0x20;            // A = data[k], 32 bits
    public const ushort Jump = 0x05;                // skip k
    public const ushort JumpEqual = 0x15;           // A == k
    public const ushort JumpGreaterOrEqual = 0x35;  // A >= k
    public const ushort JumpAnyBit = 0x45;          // (A & k) != 0
    public const ushort JumpEqualX = 0x1D;          // A == X
    public const ushort JumpGreaterX = 0x2D;        // A > X
    public const ushort And = 0x54;                 // A &= k
    public const ushort CopyToX = 0x07;             // X = A
    public const ushort Return = 0x06;              // return k

    /// <summary>What one instruction takes in the kernel's program.</summary>
    public const int Bytes = 8;

    /// <summary>The longest program the kernel accepts.</summary>
    public const int MaxCount = 4096;
}
