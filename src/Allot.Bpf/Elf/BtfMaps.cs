// As far as maps need it, BTF is a list of types. A map is a variable, in the section .maps, of a structure whose
// members say what the map is: the length of the array that 'type' points to is the type of the map, what 'key' points
// to is its key, and so on. 'values' is an array of pointers: to a structure like this one, which is the template of the
// maps that this one holds, or to a function, of an array of programs.

using System.Buffers.Binary;
using System.Text;
using Allot.Maps;

namespace Allot.Bpf;

/// <summary>The definitions of maps in the section .BTF of an object.</summary>
internal sealed class BtfMaps
{
    private const ushort Magic = 0xeb9f;
    private const int DepthMax = 32;

    private const int Pointer = 2;
    private const int ArrayKind = 3;
    private const int Structure = 4;
    private const int Union = 5;
    private const int FunctionType = 13;
    private const int Variable = 14;

    private readonly ReadOnlyMemory<byte> _strings;
    private readonly ReadOnlyMemory<byte> _types;
    private readonly List<int> _offsets = [0];   // of each type; there is no type 0

    private BtfMaps(ReadOnlyMemory<byte> types, ReadOnlyMemory<byte> strings)
    {
        (_types, _strings) = (types, strings);
        for (int at = 0; at + 12 <= types.Length;)
        {
            _offsets.Add(at);
            at += 12 + TailBytes(KindOf(at), LengthOf(at));
        }
    }

    /// <exception cref="BpfRefusedException">The section is damaged.</exception>
    public static BtfMaps Read(ReadOnlyMemory<byte> section)
    {
        ReadOnlySpan<byte> bytes = section.Span;
        if (bytes.Length < 24 || BinaryPrimitives.ReadUInt16LittleEndian(bytes) != Magic) throw Damaged();
        uint header = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
        return new BtfMaps(Part(section, header, bytes[8..]), Part(section, header, bytes[16..]));
    }

    /// <summary>The map that a variable of this name defines; null if there is no such variable.</summary>
    public BtfMap? Find(string variable)
    {
        for (int type = 1; type < _offsets.Count; type++)
        {
            int at = _offsets[type];
            if (KindOf(at) != Variable || NameAt(U32(at)) != variable) continue;
            return MapOf(variable, Resolve((int)U32(at + 8)), isInner: false);
        }

        return null;
    }

    private BtfMap MapOf(string name, int at, bool isInner)
    {
        if (KindOf(at) != Structure) throw BpfRefusedException.Because($"the map '{name}' is no structure");
        var definition = new MapDefinition { Name = name };
        int slotsAt = -1;
        for (int member = 0; member < LengthOf(at); member++)
        {
            int place = at + 12 + (12 * member);
            int type = (int)U32(place + 4);
            string what = NameAt(U32(place));
            if (what == "values")
            {
                // One level: a type may name itself, and a map of maps holds no maps of maps.
                if (isInner) throw BpfRefusedException.Because($"the map '{name}' holds maps that hold maps");
                slotsAt = (int)(U32(place + 8) / 8);
                definition = WithValues(definition, type);
                continue;
            }

            definition = what switch
            {
                "type" => definition with { Type = (MapType)Number(type) },
                "max_entries" => definition with { Capacity = (uint)Number(type) },
                "map_flags" => definition with { Flags = (uint)Number(type) },
                "key_size" => definition with { KeyBytes = Number(type) },
                "value_size" => definition with { ValueBytes = (uint)Number(type) },
                "key" => definition with { KeyBytes = SizeOf(Pointed(type), 0) },
                "value" => definition with { ValueBytes = SizeOf(Pointed(type), 0) },
                "map_extra" => definition with { MapExtra = (uint)Number(type) },
                "pinning" or "numa_node" => definition,
                _ => throw BpfRefusedException.Because($"the map '{name}' has '{what}', which is not supported"),
            };
        }

        return new BtfMap(definition, slotsAt);
    }

    private MapDefinition WithValues(MapDefinition definition, int type)
    {
        const int HandleBytes = 4;
        int array = Resolve(type);
        if (KindOf(array) != ArrayKind) throw Damaged();
        int held = Pointed((int)U32(array + 12));
        definition = definition with { ValueBytes = HandleBytes };
        if (KindOf(held) == FunctionType) return definition;
        string name = $"a map in {definition.Name}";
        return definition with { InnerMap = MapOf(name, held, isInner: true).Definition };
    }

    // A number is written as the length of an array that is pointed to.
    private int Number(int type)
    {
        int at = Pointed(type);
        if (KindOf(at) != ArrayKind) throw Damaged();
        return (int)U32(at + 20);
    }

    private int Pointed(int type)
    {
        int at = Resolve(type);
        if (KindOf(at) != Pointer) throw Damaged();
        return Resolve((int)U32(at + 8));
    }

    private int SizeOf(int at, int depth)
    {
        if (depth > DepthMax) throw Damaged();
        return KindOf(at) switch
        {
            Pointer => 8,
            ArrayKind => checked(SizeOf(Resolve((int)U32(at + 12)), depth + 1) * (int)U32(at + 20)),
            1 or Structure or Union or 6 or 16 or 19 => (int)U32(at + 8),
            _ => throw Damaged(),
        };
    }

    // Through names and qualifiers: typedef, volatile, const, restrict, type tag.
    private int Resolve(int type)
    {
        for (int depth = 0; depth < DepthMax; depth++)
        {
            if ((uint)type >= (uint)_offsets.Count || type == 0) throw Damaged();
            int at = _offsets[type];
            if (KindOf(at) is not (8 or 9 or 10 or 11 or 18)) return at;
            type = (int)U32(at + 8);
        }

        throw Damaged();
    }

    private static int TailBytes(int kind, int length) => kind switch
    {
        1 or Variable or 17 => 4,
        ArrayKind => 12,
        Structure or Union or 15 or 19 => 12 * length,
        6 or 13 => 8 * length,
        _ => 0,
    };

    private int KindOf(int at) => (int)(U32(at + 4) >> 24) & 31;

    private int LengthOf(int at) => (int)U32(at + 4) & 0xffff;

    private uint U32(int at) =>
        at + 4 <= _types.Length ? BinaryPrimitives.ReadUInt32LittleEndian(_types.Span[at..]) : throw Damaged();

    private string NameAt(uint offset)
    {
        if (offset >= _strings.Length) throw Damaged();
        ReadOnlySpan<byte> text = _strings.Span[(int)offset..];
        int end = text.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? text : text[..end]);
    }

    private static ReadOnlyMemory<byte> Part(ReadOnlyMemory<byte> section, uint header, ReadOnlySpan<byte> place)
    {
        long begin = header + (long)BinaryPrimitives.ReadUInt32LittleEndian(place);
        long length = BinaryPrimitives.ReadUInt32LittleEndian(place[4..]);
        return begin + length <= section.Length ? section.Slice((int)begin, (int)length) : throw Damaged();
    }

    private static BpfRefusedException Damaged() => BpfRefusedException.Because("the section .BTF is damaged");
}
