using Allot.Maps;

namespace Allot.Bpf.Tests.Support;

/// <summary>The first program of an object with its maps, in a group that must be empty at the end.</summary>
internal sealed unsafe class ObjectRun : IDisposable
{
    private readonly MemoryController _tree = new();
    private readonly BpfObject _object;
    private readonly BpfEngine _engine;
    private readonly BpfProgram _program;

    public ObjectRun(BpfObject read, BpfEngine engine, string? section = null)
    {
        (_object, _engine) = (read, engine);
        Maps = read.CreateMaps(_tree.Root);
        _program = Load(section);
    }

    public IReadOnlyList<GroupMap> Maps { get; }

    public List<string> Lines { get; } = [];

    public BpfProgram Load(string? section) => BpfProgram.Load(
        _tree.Root,
        _object.Find(section).Instructions.Span,
        new BpfProgramOptions { Maps = Maps, Engine = _engine, Trace = Lines.Add });

    public ulong Run(byte[] memory) => _program.Run(memory);

    public ulong Value(int map, int key)
    {
        byte* value = Maps[map].Lookup((byte*)&key);
        return *(ulong*)value;
    }

    public void Dispose()
    {
        Assert.True(_tree.Root.Kernel.CurrentBytes >= _program.ChargedBytes + Maps.Sum(map => map.ChargedBytes));
        foreach (GroupMap map in Maps) map.Dispose();
        _program.Dispose();
        Assert.Equal(0, _tree.Root.Memory.CurrentBytes);
    }
}
