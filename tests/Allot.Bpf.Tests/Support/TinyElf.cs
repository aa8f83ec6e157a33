using System.Buffers.Binary;
using System.Text;

namespace Allot.Bpf.Tests.Support;

/// <summary>The least object there can be, as an assembler writes it: all code in <c>.text</c>, one name for all of it,
/// and the names of symbols among those of sections. A call may have a relocation to a second name.</summary>
internal static class TinyElf
{
    private const string Names = "\0.names\0.symbols\0.text\0.rel\0main\0other\0";
    private const int Header = 64, SymbolBytes = 24;

    /// <param name="code">The instructions.</param>
    /// <param name="callAt">The byte of a call of the second name; below 0 for none.</param>
    /// <param name="otherSection">The section that the second name is said to be in.</param>
    public static byte[] Make(byte[] code, int callAt = -1, ushort otherSection = 3)
    {
        byte[] symbols = new byte[3 * SymbolBytes];
        Symbol(symbols.AsSpan(SymbolBytes), "main", section: 3, code.Length);
        Symbol(symbols.AsSpan(2 * SymbolBytes), "other", otherSection, code.Length);
        byte[] relocations = new byte[callAt < 0 ? 0 : 16];
        if (callAt >= 0)
        {
            BinaryPrimitives.WriteInt64LittleEndian(relocations, callAt);
            BinaryPrimitives.WriteInt64LittleEndian(relocations.AsSpan(8), (2L << 32) | 10);
        }

        byte[][] contents = [[], Encoding.ASCII.GetBytes(Names), symbols, code, relocations];
        (string Name, uint Type, ulong Flags, uint Link, uint Info)[] sections =
            [("", 0, 0, 0, 0), (".names", 3, 0, 0, 0), (".symbols", 2, 0, 1, 1), (".text", 1, 6, 0, 0), (".rel", 9, 0, 2, 3)];
        var file = new List<byte>(new byte[Header]);
        var table = new List<byte>();
        for (int index = 0; index < sections.Length; index++)
        {
            byte[] one = new byte[64];
            BinaryPrimitives.WriteUInt32LittleEndian(one, NameOf(sections[index].Name));
            BinaryPrimitives.WriteUInt32LittleEndian(one.AsSpan(4), sections[index].Type);
            BinaryPrimitives.WriteUInt64LittleEndian(one.AsSpan(8), sections[index].Flags);
            BinaryPrimitives.WriteInt64LittleEndian(one.AsSpan(24), file.Count);
            BinaryPrimitives.WriteInt64LittleEndian(one.AsSpan(32), contents[index].Length);
            BinaryPrimitives.WriteUInt32LittleEndian(one.AsSpan(40), sections[index].Link);
            BinaryPrimitives.WriteUInt32LittleEndian(one.AsSpan(44), sections[index].Info);
            table.AddRange(one);
            file.AddRange(contents[index]);
        }

        byte[] header = new byte[Header];
        ((byte[])[0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1]).CopyTo(header, 0);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(18), 247);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(40), file.Count);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(60), (ushort)sections.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(62), 1);
        return [.. header, .. file.Skip(Header), .. table];
    }

    private static void Symbol(Span<byte> symbol, string name, ushort section, long bytes)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(symbol, NameOf(name));
        symbol[4] = 0x12;   // global, a function
        BinaryPrimitives.WriteUInt16LittleEndian(symbol[6..], section);
        BinaryPrimitives.WriteInt64LittleEndian(symbol[16..], bytes);
    }

    private static uint NameOf(string name) => (uint)(Names.IndexOf($"\0{name}\0", StringComparison.Ordinal) + 1);
}
