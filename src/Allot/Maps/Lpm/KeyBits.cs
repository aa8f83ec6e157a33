using System.Buffers.Binary;
using System.Numerics;

namespace Allot.Maps;

/// <summary>Addresses as strings of bits, the highest bit of the first byte first.</summary>
internal static unsafe class KeyBits
{
    private const int BitsPerByte = 8;

    public static int At(byte* address, int bit) =>
        (address[bit / BitsPerByte] >> (BitsPerByte - 1 - (bit % BitsPerByte))) & 1;

    /// <summary>How many bits two addresses have in common.</summary>
    /// <param name="one">An address.</param>
    /// <param name="other">Another one.</param>
    /// <param name="from">So many they are known to have in common.</param>
    /// <param name="most">More do not matter.</param>
    public static int InCommon(byte* one, byte* other, int from, int most)
    {
        int at = from / BitsPerByte;
        int end = (most + BitsPerByte - 1) / BitsPerByte;
        for (; at + sizeof(uint) <= end; at += sizeof(uint))
        {
            uint difference = ReadAt(one, at) ^ ReadAt(other, at);
            if (difference != 0)
            {
                return int.Min(most, (at * BitsPerByte) + BitOperations.LeadingZeroCount(difference));
            }
        }

        for (; at < end; at++)
        {
            uint difference = (uint)(one[at] ^ other[at]) << 24;
            if (difference != 0)
            {
                return int.Min(most, (at * BitsPerByte) + BitOperations.LeadingZeroCount(difference));
            }
        }

        return most;
    }

    private static uint ReadAt(byte* address, int at) =>
        BinaryPrimitives.ReadUInt32BigEndian(new ReadOnlySpan<byte>(address + at, sizeof(uint)));
}
