using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Allot.Benchmarks.Bpf;

/// <summary>Functions in C, as clang 16 compiles them for BPF (<c>-O2 -mcpu=v3</c>), and the same ones written in C#.
/// </summary>
internal static class BpfPrograms
{
    /// <summary><c>return 0</c>.</summary>
    public const string Empty = "b7000000000000009500000000000000";

    /// <summary><see cref="Hash"/>.</summary>
    public const string HashCode =
        "b700000000000000a5020c0000040000180000002523228400000000e49cf2cbb70200000000000018030000b3010000" +
        "0000000000010000bf140000000000000f240000000000007144000000000000af400000000000002f30000000000000" +
        "07020000010000005502f9ff000400009500000000000000";

    /// <summary><see cref="Words"/>.</summary>
    public const string WordsCode =
        "b700000000000000a5021a0000040000b704000001000000b703000002000000b702000000000000bf15000000000000" +
        "0f250000000000007950000000000000bf0500000000000057050000010000008705000000000000bf06000000000000" +
        "77060000030000005f65000000000000bf360000000000007706000039000000af300000000000006703000007000000" +
        "4f630000000000000f40000000000000af050000000000000f300000000000000702000008000000bf03000000000000" +
        "bf5400000000000015020100000400000500eaff00000000af500000000000009500000000000000";

    /// <summary><see cref="Packet"/>.</summary>
    public const string PacketCode =
        "b700000001000000a5021c0036000000b70000000200000069120c00000000005602190008000000b700000003000000" +
        "71120e0000000000bc2300000000000054030000f00000005603140040000000b700000004000000540200000f000000" +
        "5602110005000000b700000005000000711217000000000056020e000600000061121e000000000061131a0000000000" +
        "67030000200000004f230000000000006912240000000000691022000000000067000000100000004f20000000000000" +
        "af3000000000000018010000157c4a7f00000000b979379e2f1000000000000077000000280000000700000006000000" +
        "9500000000000000";

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static ulong Nothing(Span<byte> memory) => 0;

    /// <summary>A byte and a multiplication in each of 1024 rounds.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static ulong Hash(Span<byte> memory)
    {
        if (memory.Length < 1024) return 0;
        ulong hash = 0xcbf29ce484222325;
        for (int i = 0; i < 1024; i++) hash = (hash ^ memory[i]) * 0x100000001b3;
        return hash;
    }

    /// <summary>A word, arithmetic and a choice in each of 128 rounds.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static ulong Words(Span<byte> memory)
    {
        if (memory.Length < 1024) return 0;
        ulong a = 1, b = 2;
        for (int i = 0; i < 128; i++)
        {
            ulong value = BinaryPrimitives.ReadUInt64LittleEndian(memory[(8 * i)..]);
            a += value ^ b;
            b = BitOperations.RotateLeft(b, 7) + a;
            if ((value & 1) != 0) a ^= value >> 3;
        }

        return a ^ b;
    }

    /// <summary>The headers of a packet, from which a number is made.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static ulong Packet(Span<byte> memory)
    {
        if (memory.Length < 54) return 1;
        if (BinaryPrimitives.ReadUInt16LittleEndian(memory[12..]) != 8) return 2;
        if (memory[14] >> 4 != 4) return 3;
        if ((memory[14] & 15) * 4 != 20) return 4;
        if (memory[23] != 6) return 5;
        ulong key = ((ulong)BinaryPrimitives.ReadUInt32LittleEndian(memory[26..]) << 32)
            | BinaryPrimitives.ReadUInt32LittleEndian(memory[30..]);
        key ^= ((ulong)BinaryPrimitives.ReadUInt16LittleEndian(memory[34..]) << 16)
            | BinaryPrimitives.ReadUInt16LittleEndian(memory[36..]);
        return ((key * 0x9e3779b97f4a7c15) >> 40) + 6;
    }

    /// <summary>100 instructions: arithmetic, loads, and a jump in every ten.</summary>
    public static byte[] OfHundred()
    {
        var hex = new System.Text.StringBuilder("b700000001000000");   // r0 = 1
        for (int i = 0; i < 98; i++)
        {
            hex.Append((i % 10) switch
            {
                0 => "7113000000000000",                               // r3 = *(u8 *)(r1 + 0)
                1 => "0f30000000000000",                               // r0 += r3
                2 => "7b0af8ff00000000",                               // *(u64 *)(r10 - 8) = r0
                3 => "79a4f8ff00000000",                               // r4 = *(u64 *)(r10 - 8)
                4 => "2700000003000000",                               // r0 *= 3
                5 => "a503010009000000",                               // if r3 < 9 goto + 1
                6 => "af40000000000000",                               // r0 ^= r4
                7 => "7700000001000000",                               // r0 >>= 1
                8 => "0700000007000000",                               // r0 += 7
                _ => "bc30000000000000",                               // w0 = w3
            });
        }

        return Convert.FromHexString(hex.Append("9500000000000000").ToString());
    }
}
