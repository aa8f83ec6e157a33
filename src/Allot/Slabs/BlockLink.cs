using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Allot;

/// <summary>The first two words of a free block: the next free one, and the mark that says so.</summary>
/// <remarks>A block is free if and only if <see cref="Check"/> is the mark of its address and its next. The mark mixes
/// in a secret of this process, so that no content of a block in use is taken for one: with a chance of 1 in 2^64. It
/// shows a second free, and a write after the free.</remarks>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct BlockLink
{
    private static readonly nuint s_secret = (nuint)BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8));

    public byte* Next;
    public nuint Check;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nuint CheckOf(byte* block, byte* next) => s_secret ^ (nuint)block ^ (nuint)next;

    public static bool IsFree(byte* block)
    {
        var link = (BlockLink*)block;
        nuint check = Volatile.Read(ref link->Check);
        return check == CheckOf(block, link->Next);
    }

    /// <summary>Makes a block the first of a list.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Push(byte* block, byte* next)
    {
        var link = (BlockLink*)block;
        link->Next = next;
        Volatile.Write(ref link->Check, CheckOf(block, next));
    }

    /// <summary>Makes a free block one in use.</summary>
    /// <returns>What was the next of it.</returns>
    public static byte* Take(byte* block)
    {
        var link = (BlockLink*)block;
        byte* next = link->Next;
        Volatile.Write(ref link->Check, 0);
        return next;
    }
}
