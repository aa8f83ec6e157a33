using Allot.Bpf.Tests.Support;
using Allot.Maps;

namespace Allot.Bpf.Tests.Maps;

/// <summary>Helpers of maps without keys, by both engines.</summary>
public sealed class QueueHelperTests
{
    private const ulong NotFound = ulong.MaxValue - 1;   // -2
    private const int GetStackId = 27, Push = 87, Pop = 88, Peek = 89;

    public static TheoryData<BpfEngine> Engines => [.. Support.Engines.All];

    [Theory]
    [MemberData(nameof(Engines))]
    public void A_program_pushes_peeks_and_pops(BpfEngine engine)
    {
        // Push 5, peek into what nobody has written, add 1 to what was popped.
        byte[] program = new Asm()
            .Move(1, 5)
            .Raw(0x7b, destination: 10, source: 1, offset: -8)
            .Map(1, 0).Copy(2, 10).Number(BpfOp.Add64, 2, -8).Move(3, 0).Call(Push)
            .Map(1, 0).Copy(2, 10).Number(BpfOp.Add64, 2, -16).Call(Peek)
            .Map(1, 0).Copy(2, 10).Number(BpfOp.Add64, 2, -24).Call(Pop)
            .Copy(6, 0)
            .Raw(0x79, destination: 0, source: 10, offset: -16)
            .Raw(0x79, destination: 1, source: 10, offset: -24)
            .Register(BpfOp.Add64, 0, 1)
            .Register(BpfOp.Add64, 0, 6)
            .Exit()
            .Bytes();
        foreach (MapType type in new[] { MapType.Queue, MapType.Stack })
        {
            Assert.Equal(10UL, Run(engine, program, new() { Type = type, ValueBytes = 8, Capacity = 3 }));
        }
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public void Pop_of_nothing_leaves_zeros_and_an_error(BpfEngine engine)
    {
        byte[] program = new Asm()
            .Map(1, 0).Copy(2, 10).Number(BpfOp.Add64, 2, -8).Call(Pop)
            .Raw(0x79, destination: 1, source: 10, offset: -8)
            .Register(BpfOp.Add64, 0, 1)
            .Exit()
            .Bytes();
        Assert.Equal(NotFound, Run(engine, program, new() { Type = MapType.Queue, ValueBytes = 8, Capacity = 3 }));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public void A_filter_is_asked_by_peek(BpfEngine engine)
    {
        byte[] program = new Asm()
            .Move(1, 5)
            .Raw(0x7b, destination: 10, source: 1, offset: -8)
            .Map(1, 0).Copy(2, 10).Number(BpfOp.Add64, 2, -8).Call(Peek)
            .Copy(6, 0)
            .Map(1, 0).Copy(2, 10).Number(BpfOp.Add64, 2, -8).Move(3, 0).Call(Push)
            .Map(1, 0).Copy(2, 10).Number(BpfOp.Add64, 2, -8).Call(Peek)
            .Register(BpfOp.Add64, 0, 6)
            .Exit()
            .Bytes();
        Assert.Equal(NotFound, Run(engine, program, new() { Type = MapType.BloomFilter, ValueBytes = 8, Capacity = 9 }));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public void The_trace_of_a_program_is_the_instruction_that_calls(BpfEngine engine)
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("tenant");
        var definition = new MapDefinition { Type = MapType.StackTrace, KeyBytes = 4, ValueBytes = 80, Capacity = 10 };
        using var map = (StackTraceMap)BpfMaps.Create(group, definition);
        byte[] program = new Asm().Map(2, 0).Move(3, 0).Call(GetStackId).Exit().Bytes();
        var options = new BpfProgramOptions { Engine = engine, Maps = [map] };
        using BpfProgram loaded = BpfProgram.Load(group, program, options);
        ulong number = loaded.Run([]);
        Assert.Equal(number, loaded.Run([]));
        ulong[] frames = new ulong[10];
        Assert.True(map.TryGetTrace((int)number, frames, out int count));
        Assert.Equal(1, count);
        Assert.Equal(1, map.Count);
    }

    [Theory]
    [InlineData(Push, MapType.Hash)]
    [InlineData(Pop, MapType.BloomFilter)]
    [InlineData(Peek, MapType.Hash)]
    [InlineData(GetStackId, MapType.Queue)]
    public void Each_helper_takes_only_maps_that_it_can_use(int helper, MapType type)
    {
        byte[] program = helper == GetStackId
            ? new Asm().Map(2, 0).Move(3, 0).Call(helper).Exit().Bytes()
            : new Asm().Raw(0x7a, destination: 10, offset: -8).Map(1, 0).Copy(2, 10).Number(BpfOp.Add64, 2, -8)
                .Move(3, 0).Call(helper).Exit().Bytes();
        var definition = new MapDefinition
        {
            Name = "m",
            Type = type,
            KeyBytes = type == MapType.Hash ? 8 : 0,
            ValueBytes = 8,
            Capacity = 10,
        };
        Assert.Contains(
            $"'m' is a map of type {type}",
            Assert.Throws<BpfRefusedException>(() => Run(BpfEngine.Interpreter, program, definition)).Message,
            StringComparison.Ordinal);
    }

    private static ulong Run(BpfEngine engine, byte[] program, MapDefinition definition)
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("tenant");
        ulong result;
        using (GroupMap map = BpfMaps.Create(group, definition))
        using (BpfProgram loaded = BpfProgram.Load(group, program, new() { Engine = engine, Maps = [map] }))
        {
            result = loaded.Run([]);
        }

        Assert.Equal(0, group.Memory.CurrentBytes);
        return result;
    }
}
