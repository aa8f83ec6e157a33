using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Allot;

/// <summary>What is in a free block: the mark that says so, and while it lies in its span the next one there. One of 8
/// bytes only has the mark.</summary>
/// <remarks>A block is free if and only if its first word is the mark of its address. The mark mixes in a secret of the
/// process, so that no content of a block in use is taken for one: with a chance of 1 in 2^64. It shows a second free,
/// and a write to that word after the free.</remarks>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct FreeBlock
{
    private static readonly nuint s_secret = (nuint)BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8));

    public nuint Mark;
    public byte* Next;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nuint MarkOf(byte* block) => s_secret ^ (nuint)block;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsFree(byte* block) => Volatile.Read(ref ((FreeBlock*)block)->Mark) == MarkOf(block);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetFree(byte* block) => Volatile.Write(ref ((FreeBlock*)block)->Mark, MarkOf(block));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetInUse(byte* block) => Volatile.Write(ref ((FreeBlock*)block)->Mark, 0);
}
