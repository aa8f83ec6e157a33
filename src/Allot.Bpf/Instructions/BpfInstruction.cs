using System.Buffers.Binary;
using System.Globalization;

namespace Allot.Bpf;

/// <summary>One instruction as it is stored: 8 bytes, of which RFC 9669 gives the layout. A 64-bit constant takes two,
/// the second of which has only an <see cref="Immediate"/>.</summary>
/// <param name="Opcode">Class, operation and where the second operand is from.</param>
/// <param name="Destination">The register that is changed, compared, or points to what is changed; 0 to 15.</param>
/// <param name="Source">The register of the second operand, or a variant of the instruction; 0 to 15.</param>
/// <param name="Offset">Bytes from an address, instructions to jump over, or a variant of the instruction.</param>
/// <param name="Immediate">A constant, or a variant of the instruction.</param>
public readonly record struct BpfInstruction(byte Opcode, byte Destination, byte Source, short Offset, int Immediate)
{
    /// <summary>The size of an instruction in bytes.</summary>
    public const int Bytes = 8;

    /// <summary>Reads an instruction from its bytes.</summary>
    /// <param name="source">At least <see cref="Bytes"/> bytes, little-endian.</param>
    /// <returns>The instruction, whatever its fields hold.</returns>
    public static BpfInstruction Read(ReadOnlySpan<byte> source) => new(
        source[0],
        (byte)(source[1] & 15),
        (byte)(source[1] >> 4),
        BinaryPrimitives.ReadInt16LittleEndian(source[2..]),
        BinaryPrimitives.ReadInt32LittleEndian(source[4..]));

    /// <summary>Writes the instruction as its bytes.</summary>
    /// <param name="target">At least <see cref="Bytes"/> bytes.</param>
    public void Write(Span<byte> target)
    {
        target[0] = Opcode;
        target[1] = (byte)((Destination & 15) | (Source << 4));
        BinaryPrimitives.WriteInt16LittleEndian(target[2..], Offset);
        BinaryPrimitives.WriteInt32LittleEndian(target[4..], Immediate);
    }

    /// <summary>The eight bytes in hexadecimal.</summary>
    /// <returns>Such as <c>b7 00 00 00 01 00 00 00</c>.</returns>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        Write(bytes);
        return string.Join(' ', bytes.ToArray().Select(one => one.ToString("x2", CultureInfo.InvariantCulture)));
    }
}
