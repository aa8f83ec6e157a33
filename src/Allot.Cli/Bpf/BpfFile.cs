using Allot.Bpf;
using Allot.Maps;

namespace Allot.Cli.Bpf;

/// <summary>A file of programs: an ELF object, or the bare instructions of one program.</summary>
internal sealed class BpfFile
{
    private readonly BpfObject? _object;
    private readonly BpfObjectProgram? _bare;

    private BpfFile(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> magic = [0x7f, (byte)'E', (byte)'L', (byte)'F'];
        if (bytes.StartsWith(magic)) _object = BpfObject.Read(bytes);
        else _bare = new BpfObjectProgram("program", "program", bytes.ToArray());
    }

    public IReadOnlyList<BpfObjectProgram> Programs => _object?.Programs ?? [_bare!];

    /// <summary>Reads a file; <c>-</c> is standard input.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static BpfFile Read(string path)
    {
        if (path.Length == 0) throw new FileNotFoundException("the name of the file is empty.");
        if (path != "-") return new BpfFile(File.ReadAllBytes(path));
        using Stream input = StandardInput.Open();
        using var all = new MemoryStream();
        input.CopyTo(all);
        return new BpfFile(all.ToArray());
    }

    public static BpfFile Of(byte[] bytes) => new(bytes);

    /// <exception cref="BpfRefusedException">It has no such program.</exception>
    public BpfObjectProgram Find(string? name)
    {
        if (_object is not null) return _object.Find(name);
        if (name is null || name == _bare!.Section) return _bare!;
        throw BpfRefusedException.Because(
            $"there is no program '{name}'; these are bare instructions, of one program without sections");
    }

    /// <summary>The programs that a command is about: one if it is named, otherwise all.</summary>
    public IReadOnlyList<BpfObjectProgram> Choose(string? name) => name is null ? Programs : [Find(name)];

    public IReadOnlyList<GroupMap> CreateMaps(MemoryGroup group) => _object?.CreateMaps(group) ?? [];

    public void FillProgramArrays(IReadOnlyList<GroupMap> maps, Func<BpfObjectProgram, BpfProgram> load) =>
        _object?.FillProgramArrays(maps, load);
}
