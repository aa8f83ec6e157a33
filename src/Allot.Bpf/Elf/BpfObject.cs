using System.Buffers.Binary;
using Allot.Maps;

namespace Allot.Bpf;

/// <summary>An ELF object as <c>clang -target bpf</c> makes it: its programs, and the maps that they use. Nothing of it
/// is charged or run before maps are made and programs loaded.</summary>
public sealed class BpfObject
{
    private readonly ElfFile _file;
    private readonly List<MapDefinition> _maps = [];
    private readonly List<ReadOnlyMemory<byte>> _contents = [];
    private readonly Dictionary<(int Section, long Value), int> _mapAt = [];
    private readonly List<BpfSlot> _slots = [];
    private readonly Dictionary<(int Section, long Value), BpfObjectProgram> _programAt = [];

    private BpfObject(ElfFile file)
    {
        _file = file;
        ReadMaps();
        ReadData();
        Programs = [.. ReadPrograms()];
    }

    /// <summary>The programs, in the order of their sections.</summary>
    public IReadOnlyList<BpfObjectProgram> Programs { get; }

    /// <summary>The maps: those that the object defines, then one array for each section of variables.</summary>
    public IReadOnlyList<MapDefinition> Maps => _maps;

    /// <summary>What the object says to be in its maps from the start.</summary>
    internal IReadOnlyList<BpfSlot> Slots => _slots;

    /// <summary>Reads an object.</summary>
    /// <param name="elf">The bytes of the file.</param>
    /// <returns>The object.</returns>
    /// <exception cref="BpfRefusedException">The bytes are no such object, or use what is not supported.</exception>
    public static BpfObject Read(ReadOnlySpan<byte> elf)
    {
        try
        {
            return new BpfObject(ElfFile.Read(elf));
        }
        catch (OverflowException)
        {
            throw BpfRefusedException.Because("the ELF object is damaged: an offset is larger than any object");
        }
    }

    /// <summary>The program in a slot; null when it holds something else.</summary>
    internal BpfObjectProgram? ProgramIn(BpfSlot slot) => _programAt.GetValueOrDefault((slot.Section, slot.Value));

    /// <summary>Finds a program by the name of its section, or of its function.</summary>
    /// <param name="name">The name; null for the first program.</param>
    /// <returns>The program.</returns>
    /// <exception cref="BpfRefusedException">There is no such program.</exception>
    public BpfObjectProgram Find(string? name = null)
    {
        BpfObjectProgram? found = name is null
            ? Programs.Count == 0 ? null : Programs[0]
            : Programs.FirstOrDefault(each => each.Section == name || each.Name == name);
        if (found is not null) return found;
        string names = string.Join(", ", Programs.Select(each => $"'{each.Section}'"));
        throw BpfRefusedException.Because(
            name is null ? "the object has no program" : $"there is no program '{name}'; there are {names}");
    }

    /// <summary>Makes the maps, writes the values that variables begin with, and puts maps into the maps that the
    /// object says they are in.</summary>
    /// <param name="group">Who pays.</param>
    /// <returns>As many as <see cref="Maps"/>, in their order. Dispose them.</returns>
    /// <exception cref="BpfRefusedException">A map cannot have its shape.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public IReadOnlyList<GroupMap> CreateMaps(MemoryGroup group) => CreateChangedMaps(group, static map => map);

    /// <summary>Makes the maps, each from what becomes of its definition.</summary>
    internal unsafe IReadOnlyList<GroupMap> CreateChangedMaps(
        MemoryGroup group, Func<MapDefinition, MapDefinition> change)
    {
        var made = new List<GroupMap>();
        try
        {
            for (int index = 0; index < _maps.Count; index++)
            {
                made.Add(BpfMaps.Create(group, change(_maps[index])));
                if (made[index] is not ArrayMap array) continue;
                _contents[index].Span.CopyTo(new Span<byte>(array.Values, _contents[index].Length));
            }

            foreach (BpfSlot slot in _slots)
            {
                bool isMap = _mapAt.TryGetValue((slot.Section, slot.Value), out int inner);
                if (isMap) Put(made[slot.Map], slot, made[inner]);
            }

            return made;
        }
        catch
        {
            foreach (GroupMap map in made) map.Dispose();
            throw;
        }
    }

    private static unsafe void Put(GroupMap outer, BpfSlot slot, GroupMap inner)
    {
        int error = outer switch
        {
            ArrayOfMaps array => array.Put(slot.Index, inner),
            HashOfMaps hash when hash.Definition.KeyBytes == sizeof(int) =>
                hash.Put(BitConverter.GetBytes(slot.Index), inner),
            _ => MapErrors.Invalid,
        };
        if (error != MapErrors.None) throw NoPlace(outer, slot);
    }

    internal static BpfRefusedException NoPlace(GroupMap map, BpfSlot slot) => BpfRefusedException.Because(
        $"'{map.Definition.Name}' cannot hold what the object puts into its place {slot.Index}");

    private void ReadMaps()
    {
        BtfMaps? btf = null;
        for (int index = 0; index < _file.Sections.Count; index++)
        {
            ElfSection section = _file.Sections[index];
            if (!section.IsMaps) continue;
            ElfSymbol[] symbols =
            [
                .. _file.Symbols.Where(each => each.Section == index && each.Name.Length > 0)
                    .OrderBy(each => each.Value),
            ];
            foreach (ElfSymbol symbol in symbols)
            {
                if (section.Name == "maps")
                {
                    Add((index, symbol.Value), OldDefinition(section, symbol), default);
                    continue;
                }

                btf ??= BtfMaps.Read(_file.Sections.Find(each => each.Name == ".BTF")?.Content
                    ?? throw BpfRefusedException.Because("there are maps but no section .BTF: compile with -g"));
                BtfMap map = btf.Find(symbol.Name)
                    ?? throw BpfRefusedException.Because($"the map '{symbol.Name}' has no description in .BTF");
                AddSlots(section, symbol, map.SlotsAt);
                Add((index, symbol.Value), map.Definition, default);
            }
        }
    }

    // The pointers after the other members: relocations, each to a map or a program.
    private void AddSlots(ElfSection section, ElfSymbol map, int slotsAt)
    {
        if (slotsAt < 0) return;
        long first = map.Value + slotsAt;
        foreach ((long place, ElfSymbol target) in section.Relocations.OrderBy(each => each.Key))
        {
            if (place < first || place >= map.Value + map.SizeBytes) continue;
            _slots.Add(new BpfSlot(_maps.Count, checked((int)((place - first) / 8)), target.Section, target.Value));
        }
    }

    // Before BTF: type, size of key, size of value, number of elements, and maybe flags, as five numbers.
    private static MapDefinition OldDefinition(ElfSection section, ElfSymbol symbol)
    {
        const int FieldsBytes = 16;
        if (symbol.Value < 0 || symbol.Value > section.Content.Length - FieldsBytes)
        {
            throw BpfRefusedException.Because($"the map '{symbol.Name}' is not inside of its section");
        }

        ReadOnlySpan<byte> fields = section.Content.Span[(int)symbol.Value..];
        return new MapDefinition
        {
            Name = symbol.Name,
            Type = (MapType)BinaryPrimitives.ReadUInt32LittleEndian(fields),
            KeyBytes = BinaryPrimitives.ReadInt32LittleEndian(fields[4..]),
            ValueBytes = BinaryPrimitives.ReadUInt32LittleEndian(fields[8..]),
            Capacity = BinaryPrimitives.ReadUInt32LittleEndian(fields[12..]),
        };
    }

    private void ReadData()
    {
        for (int index = 0; index < _file.Sections.Count; index++)
        {
            ElfSection section = _file.Sections[index];
            if (!section.IsData) continue;
            if (section.Relocations.Count > 0)
            {
                throw BpfRefusedException.Because($"'{section.Name}' has addresses in it, which is not supported");
            }

            var definition = new MapDefinition
            {
                Name = section.Name,
                Type = MapType.Array,
                KeyBytes = 4,
                ValueBytes = checked((int)section.SizeBytes),
                Capacity = 1,
                Flags = section.IsReadOnlyData ? MapFlags.ReadOnlyForPrograms : 0,
            };
            Add((index, -1), definition, section.Content);
        }
    }

    private void Add((int Section, long Value) at, MapDefinition definition, ReadOnlyMemory<byte> content)
    {
        _mapAt.TryAdd(at, _maps.Count);
        _maps.Add(definition);
        _contents.Add(content);
    }

    // Functions in .text are called by others, unless there is nothing else.
    private IEnumerable<BpfObjectProgram> ReadPrograms()
    {
        ElfSymbol[] functions =
        [
            .. _file.Symbols.Where(each => each is { Type: ElfSymbol.Function, IsLocal: false }
                && each.Section < _file.Sections.Count && _file.Sections[each.Section].IsCode),
        ];
        bool hasOthers = functions.Any(each => _file.Sections[each.Section].Name != ".text");
        foreach (ElfSymbol function in functions.OrderBy(each => each.Section).ThenBy(each => each.Value))
        {
            string section = _file.Sections[function.Section].Name;
            if (hasOthers && section == ".text") continue;
            BpfInstruction[] linked = new ProgramLinker(_file, _mapAt).Link(function);
            byte[] bytes = new byte[linked.Length * BpfInstruction.Bytes];
            for (int index = 0; index < linked.Length; index++)
            {
                linked[index].Write(bytes.AsSpan(index * BpfInstruction.Bytes));
            }

            var program = new BpfObjectProgram(function.Name, section, bytes);
            _programAt.TryAdd((function.Section, function.Value), program);
            yield return program;
        }
    }
}
