// The parts of ELF that an object of clang -target bpf has: sections, symbols, relocations. 64 bits, little-endian. The
// bytes are from anywhere: every offset is checked before it is used.

using System.Buffers.Binary;
using System.Text;

namespace Allot.Bpf;

/// <summary>An ELF object, read but not interpreted.</summary>
internal sealed class ElfFile
{
    private const int HeaderBytes = 64;
    private const int SectionHeaderBytes = 64;
    private const int SymbolBytes = 24;
    private const int RelocationBytes = 16;
    private const int SectionsMax = 1 << 16;
    private const int Bpf = 247;

    private const uint SymbolTable = 2;
    private const uint NoBits = 8;
    private const uint Relocations = 9;

    private readonly byte[] _bytes;

    private ElfFile(byte[] bytes) => _bytes = bytes;

    public List<ElfSection> Sections { get; } = [];

    public List<ElfSymbol> Symbols { get; } = [];

    /// <exception cref="BpfRefusedException">The bytes are no such object.</exception>
    public static ElfFile Read(ReadOnlySpan<byte> bytes)
    {
        var file = new ElfFile(bytes.ToArray());
        try
        {
            file.ReadHeader();
        }
        catch (Exception failure) when (failure is ArgumentOutOfRangeException or OverflowException)
        {
            throw BpfRefusedException.Because("the ELF object is damaged: something lies beyond its end");
        }

        return file;
    }

    private void ReadHeader()
    {
        ReadOnlySpan<byte> magic = [0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1];
        if (_bytes.Length < HeaderBytes || !_bytes.AsSpan().StartsWith(magic))
        {
            throw BpfRefusedException.Because("this is no ELF object of 64 bits, little-endian");
        }

        int machine = U16(18);
        if (machine != Bpf)
        {
            throw BpfRefusedException.Because(
                $"the ELF object is for machine {machine} and not for BPF ({Bpf}): compile it with clang -target bpf");
        }

        long table = (long)U64(40);
        int count = U16(60);
        int names = U16(62);
        if (count > SectionsMax || names >= count) throw BpfRefusedException.Because("the ELF object has no sections");
        for (int index = 0; index < count; index++) Sections.Add(ReadSection(table + (index * SectionHeaderBytes)));
        ElfSection nameTable = Sections[names];
        foreach (ElfSection section in Sections) section.Name = Text(nameTable, section.NameOffset);
        foreach (ElfSection section in Sections)
        {
            if (section.Type == SymbolTable) ReadSymbols(section);
        }

        foreach (ElfSection section in Sections)
        {
            if (section.Type == Relocations) ReadRelocations(section);
        }
    }

    private ElfSection ReadSection(long at)
    {
        var section = new ElfSection
        {
            NameOffset = U32(at),
            Type = U32(at + 4),
            Flags = U64(at + 8),
            Link = (int)U32(at + 40),
            Info = (int)U32(at + 44),
            SizeBytes = checked((long)U64(at + 32)),
        };
        long offset = checked((long)U64(at + 24));
        if (section.Type is NoBits or 0) return section;
        section.Content = Slice(offset, section.SizeBytes);
        return section;
    }

    private void ReadSymbols(ElfSection table)
    {
        ElfSection names = Section(table.Link);
        for (int at = 0; at + SymbolBytes <= table.Content.Length; at += SymbolBytes)
        {
            ReadOnlySpan<byte> one = table.Content.Span[at..];
            Symbols.Add(new ElfSymbol
            {
                Name = Text(names, BinaryPrimitives.ReadUInt32LittleEndian(one)),
                Type = one[4] & 15,
                IsLocal = one[4] >> 4 == 0,
                Section = BinaryPrimitives.ReadUInt16LittleEndian(one[6..]),
                Value = BinaryPrimitives.ReadInt64LittleEndian(one[8..]),
                SizeBytes = BinaryPrimitives.ReadInt64LittleEndian(one[16..]),
            });
        }
    }

    private void ReadRelocations(ElfSection table)
    {
        ElfSection target = Section(table.Info);
        for (int at = 0; at + RelocationBytes <= table.Content.Length; at += RelocationBytes)
        {
            ReadOnlySpan<byte> one = table.Content.Span[at..];
            long offset = BinaryPrimitives.ReadInt64LittleEndian(one);
            uint symbol = BinaryPrimitives.ReadUInt32LittleEndian(one[12..]);
            if (symbol >= Symbols.Count)
            {
                throw BpfRefusedException.Because($"'{table.Name}' names a symbol that is not there");
            }

            target.Relocations[offset] = Symbols[(int)symbol];
        }
    }

    private ElfSection Section(int index) =>
        (uint)index < (uint)Sections.Count
            ? Sections[index]
            : throw BpfRefusedException.Because($"there is no section {index} in the ELF object");

    private static string Text(ElfSection table, uint offset)
    {
        if (offset >= table.Content.Length) return "";
        ReadOnlySpan<byte> text = table.Content.Span[(int)offset..];
        int end = text.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? text : text[..end]);
    }

    private ReadOnlyMemory<byte> Slice(long offset, long bytes) =>
        _bytes.AsMemory(checked((int)offset), checked((int)bytes));

    private int U16(long at) => BinaryPrimitives.ReadUInt16LittleEndian(Slice(at, 2).Span);

    private uint U32(long at) => BinaryPrimitives.ReadUInt32LittleEndian(Slice(at, 4).Span);

    private ulong U64(long at) => BinaryPrimitives.ReadUInt64LittleEndian(Slice(at, 8).Span);
}
