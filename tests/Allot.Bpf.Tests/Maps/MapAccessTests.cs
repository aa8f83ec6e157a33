using Allot.Bpf.Tests.Support;
using Allot.Maps;

namespace Allot.Bpf.Tests.Maps;

/// <summary>Which helpers a map has, and what its flags of access leave of them.</summary>
public sealed class MapAccessTests
{
    private const uint ReadOnly = MapFlags.ReadOnlyForPrograms, WriteOnly = MapFlags.WriteOnlyForPrograms;

    private readonly MemoryGroup _group = new MemoryController().Root.CreateChild("tenant");

    public static TheoryData<MapType, int, int> WithoutKeys => new()
    {
        { MapType.Queue, 0, 8 }, { MapType.Stack, 0, 8 }, { MapType.BloomFilter, 0, 8 }, { MapType.RingBuffer, 0, 0 },
        { MapType.UserRingBuffer, 0, 0 }, { MapType.StackTrace, 4, 64 }, { MapType.ProgramArray, 4, 4 },
        { MapType.PerfEventArray, 4, 4 }, { MapType.CgroupArray, 4, 4 }, { MapType.DevMap, 4, 4 }, { MapType.CpuMap, 4, 4 },
    };

    public static TheoryData<MapType, uint> WithValues
    {
        get
        {
            var data = new TheoryData<MapType, uint>();
            foreach (MapType type in (MapType[])
                [MapType.Hash, MapType.Array, MapType.PerCpuHash, MapType.PerCpuArray, MapType.LruHash, MapType.LruPerCpuHash])
            {
                data.Add(type, 0);
            }

            data.Add(MapType.LpmTrie, MapFlags.NoPreallocation);
            data.Add(MapType.Hash, MapFlags.NoPreallocation);
            return data;
        }
    }

    [Theory, MemberData(nameof(WithoutKeys))]
    public void Helpers_of_elements_are_refused_where_there_are_none(MapType type, int keyBytes, int valueBytes)
    {
        long capacity = type is MapType.RingBuffer or MapType.UserRingBuffer ? 4096 : 2;
        using GroupMap map = BpfMaps.Create(_group, new MapDefinition
        {
            Name = "things",
            Type = type,
            KeyBytes = keyBytes,
            ValueBytes = valueBytes,
            Capacity = capacity,
        });
        foreach ((int number, string helper) in (ReadOnlySpan<(int, string)>)
            [(1, "map_lookup_elem"), (2, "map_update_elem"), (3, "map_delete_elem"), (195, "map_lookup_percpu_elem")])
        {
            AssertRefused(Call(number), map, $"'things' is a map of type {type}; {helper} needs ");
        }
    }

    [Theory, MemberData(nameof(WithValues))]
    public void What_is_read_only_for_programs_they_do_not_write(MapType type, uint flags)
    {
        using GroupMap map = Create(type, flags | ReadOnly);
        AssertRefused(Call(2), map, "map_update_elem changes 'things', which is read-only for programs");
        AssertRefused(Call(3), map, "map_delete_elem changes 'things', which is read-only for programs");
        AssertRefused(Use(use => use.Number(BpfOp.Store64, 0, 1)), map, "writes to a value of 'things', which is read-only");
        AssertRefused(Use(use => use.Move(1, 1).Register(BpfOp.AtomicAdd64, 0, 1)), map, "writes to a value of 'things'");
        AssertAccepted(Use(use => use.Register(BpfOp.Load64, 1, 0)), map);
    }

    [Theory, MemberData(nameof(WithValues))]
    public void What_is_write_only_for_programs_they_do_not_read(MapType type, uint flags)
    {
        using GroupMap map = Create(type, flags | WriteOnly);
        AssertRefused(Use(use => use.Register(BpfOp.Load64, 1, 0)), map, "reads from a value of 'things', which is write-only");
        AssertRefused(Use(use => use.Move(1, 1).Register(BpfOp.AtomicAdd64, 0, 1)), map, "reads from a value of 'things'");
        AssertRefused(Use(use => use.Copy(2, 0).Map(1, 0).Call(3)), map, "reads from a value of 'things'");
        AssertAccepted(Use(use => use.Number(BpfOp.Store64, 0, 1)), map);
        AssertAccepted(Call(2), map);
    }

    [Theory]
    [InlineData(ReadOnly)]
    [InlineData(WriteOnly)]
    public void A_program_that_was_not_verified_fails_there(uint flags)
    {
        foreach (MapType type in (MapType[])[MapType.Hash, MapType.Array, MapType.PerCpuArray, MapType.LruHash])
        {
            using GroupMap map = Create(type, flags);
            Asm program = Use(use => flags == ReadOnly ? use.Number(BpfOp.Store64, 0, 1) : use.Register(BpfOp.Load64, 1, 0));
            foreach (BpfEngine engine in Engines.All)
            {
                using BpfProgram loaded = Load(program, map, BpfVerification.Structure, engine);
                if (type is MapType.Hash or MapType.LruHash)
                {
                    unsafe
                    {
                        ulong key = 1, value = 1;
                        Assert.Equal(0, map.Update((byte*)&key, (byte*)&value, 0));
                    }
                }

                Assert.False(loaded.TryRun([], out _, out BpfFault fault));
                Assert.Equal(BpfFaultKind.OutOfBounds, fault.Kind);
            }
        }
    }

    [Fact]
    public void A_queue_is_pushed_only_where_programs_may_write()
    {
        var definition = new MapDefinition { Name = "things", Type = MapType.Queue, ValueBytes = 8, Capacity = 2, Flags = ReadOnly };
        using GroupMap map = GroupMap.Create(_group, definition);
        Asm push = new Asm().Number(BpfOp.Store64, 10, 1, -8).Copy(2, 10).Number(BpfOp.Add64, 2, -8).Move(3, 0).Map(1, 0).Call(87).Exit();
        AssertRefused(push, map, "map_push_elem changes 'things'");
        using BpfProgram loaded = Load(push, map, BpfVerification.Structure, BpfEngine.Interpreter);
        Assert.Equal(-1, (long)loaded.Run([]));
        Assert.Equal(0, map.Count);
    }

    [Fact]
    public unsafe void The_value_of_another_processor_is_found()
    {
        using GroupMap map = Create(MapType.PerCpuArray, 0);
        uint zero = 0;
        for (int processor = 0; processor < Environment.ProcessorCount; processor++)
        {
            *(ulong*)map.LookupOf((byte*)&zero, processor) = 100 + (ulong)processor;
        }

        Asm program = new Asm().Register(BpfOp.Load32, 3, 1).Number(BpfOp.Store32, 10, 0, -4).Copy(2, 10).Number(BpfOp.Add64, 2, -4)
            .Map(1, 0).Call(195).If(BpfOp.Jne64, 0, 0, "found").Move(0, 1).Exit().Label("found").Register(BpfOp.Load64, 0, 0).Exit();
        foreach (BpfEngine engine in Engines.All)
        {
            using BpfProgram loaded = Load(program, map, BpfVerification.Full, engine, memoryBytesMin: 4);
            Assert.Equal(100ul, loaded.Run(BitConverter.GetBytes(0)));
            Assert.Equal(99ul + (ulong)Environment.ProcessorCount, loaded.Run(BitConverter.GetBytes(Environment.ProcessorCount - 1)));
            Assert.Equal(1ul, loaded.Run(BitConverter.GetBytes(-1)));
            Assert.Equal(1ul, loaded.Run(BitConverter.GetBytes(100_000)));
        }
    }

    private static Asm Call(int helper) => new Asm()
        .Number(BpfOp.Store64, 10, 1, -8).Copy(2, 10).Number(BpfOp.Add64, 2, -8).Copy(3, 2).Move(4, 0).Map(1, 0)
        .Call(helper).Move(0, 0).Exit();

    private static Asm Use(Func<Asm, Asm> use)
    {
        Asm program = new Asm().Number(BpfOp.Store64, 10, 1, -8).Copy(2, 10).Number(BpfOp.Add64, 2, -8).Map(1, 0).Call(1)
            .If(BpfOp.Jeq64, 0, 0, "end");
        return use(program).Label("end").Move(0, 0).Exit();
    }

    private GroupMap Create(MapType type, uint flags)
    {
        int keyBytes = type is MapType.Array or MapType.PerCpuArray ? 4 : 8;
        return GroupMap.Create(_group, new MapDefinition
        {
            Name = "things",
            Type = type,
            KeyBytes = keyBytes,
            ValueBytes = 8,
            Capacity = 4,
            Flags = flags,
        });
    }

    private BpfProgram Load(
        Asm program, GroupMap map, BpfVerification verification, BpfEngine engine, int memoryBytesMin = 0) =>
        BpfProgram.Load(_group, program.Bytes(), new BpfProgramOptions
        {
            Maps = [map],
            Verification = verification,
            Engine = engine,
            MemoryBytesMin = memoryBytesMin,
        });

    private void AssertAccepted(Asm program, GroupMap map) =>
        Load(program, map, BpfVerification.Full, BpfEngine.Interpreter).Dispose();

    private void AssertRefused(Asm program, GroupMap map, string reason)
    {
        var refused = Assert.Throws<BpfRefusedException>(() => Load(program, map, BpfVerification.Full, BpfEngine.Interpreter));
        Assert.Contains(reason, refused.Message);
    }
}
