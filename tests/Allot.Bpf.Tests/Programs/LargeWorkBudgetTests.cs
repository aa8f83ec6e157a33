using Allot.Bpf.Tests.Support;
using Allot.Maps;

namespace Allot.Bpf.Tests.Programs;

/// <summary>Each helper that hashes, compares or copies many bytes takes from the budget for them: an instruction for
/// each 64.</summary>
public sealed unsafe class LargeWorkBudgetTests
{
    private const int Bytes = 32 << 10;   // as many as a value of a local storage may have, too

    private const int Source = 0, Target = 1;   // the maps of each program

    public static TheoryData<string, BpfEngine> Cases
    {
        get
        {
            var cases = new TheoryData<string, BpfEngine>();
            foreach (string name in s_cases.Keys)
            {
                foreach (BpfEngine engine in Engines.All) cases.Add(name, engine);
            }

            return cases;
        }
    }

    private static readonly MapDefinition s_keys =
        new() { Name = "keys", Type = MapType.Hash, KeyBytes = Bytes, ValueBytes = 8, Capacity = 1 };

    private static readonly MapDefinition s_values =
        new() { Name = "values", Type = MapType.Array, KeyBytes = 4, ValueBytes = Bytes, Capacity = 1 };

    private static readonly MapDefinition s_queue =
        new() { Name = "queue", Type = MapType.Queue, ValueBytes = Bytes, Capacity = 1 };

    private static readonly MapDefinition s_storage = new()
    {
        Name = "storage",
        Type = MapType.CgroupOwnedStorage,
        KeyBytes = 4,
        ValueBytes = Bytes,
        Flags = MapFlags.NoPreallocation,
    };

    private static readonly Dictionary<string, (MapDefinition Target, Func<Asm> Program)> s_cases = new()
    {
        ["map_lookup_elem, a key"] = (s_keys, static () => WithKey(2).Call(1)),
        ["map_lookup_elem, a key of a cache"] = (s_keys with { Type = MapType.LruHash }, static () => WithKey(2).Call(1)),
        ["map_update_elem, a key"] = (s_keys, static () => WithKey(2).MapValue(3, Source, 0).Move(4, 0).Call(2)),
        ["map_update_elem, a value"] =
            (s_values, static () => WithIndex(2).MapValue(3, Source, 0).Move(4, 0).Map(1, Target).Call(2)),
        ["map_delete_elem, a key"] = (s_keys, static () => WithKey(2).Call(3)),
        ["map_lookup_percpu_elem, a key"] =
            (s_keys with { Type = MapType.PerCpuHash }, static () => WithKey(2).Move(3, 0).Call(195)),
        ["map_push_elem"] = (s_queue, static () => WithKey(2).Move(3, 0).Call(87)),
        ["map_pop_elem"] = (s_queue, static () => WithKey(2).Call(88)),
        ["map_peek_elem"] = (s_queue, static () => WithKey(2).Call(89)),
        ["map_push_elem, a filter"] =
            (s_queue with { Type = MapType.BloomFilter }, static () => WithKey(2).Move(3, 0).Call(87)),
        ["map_peek_elem, a filter"] =
            (s_queue with { Type = MapType.BloomFilter }, static () => WithKey(2).Call(89)),
        ["cgrp_storage_get"] = (s_storage, static () => WithKey(3).Move(2, 0).Move(4, 1).Call(210)),
        ["cgrp_storage_get, zeros"] = (s_storage, static () => WithKey(3).Move(2, 0).Move(3, 0).Move(4, 1).Call(210)),
        ["perf_event_output"] = (
            new() { Name = "outputs", Type = MapType.PerfEventArray, KeyBytes = 4, ValueBytes = 4, Capacity = 1 },
            static () => new Asm().Map(2, Target).Move(3, 0).MapValue(4, Source, 0).Move(5, Bytes).Call(25)),
        ["ringbuf_output"] = (
            new() { Name = "ring", Type = MapType.RingBuffer, Capacity = 2 * Bytes },
            static () => WithKey(2).Move(3, Bytes).Move(4, 0).Call(130)),
        ["dynptr_read"] = (
            s_values,
            static () => Pointer().MapValue(1, Target, 0).Move(2, Bytes).Copy(3, 6).Move(4, 0).Move(5, 0).Call(201)),
        ["dynptr_write"] = (
            s_values,
            static () => Pointer().Copy(1, 6).Move(2, 0).MapValue(3, Target, 0).Move(4, Bytes).Move(5, 0).Call(202)),
        ["for_each_map_elem, a key"] = (
            s_keys,
            static () => new Asm().Map(1, Target).Function(2, "each").Move(3, 0).Move(4, 0).Call(164)),
        ["map_lookup_elem, a key of an inner map"] = (
            new()
            {
                Name = "outer",
                Type = MapType.ArrayOfMaps,
                KeyBytes = 4,
                ValueBytes = 4,
                Capacity = 1,
                InnerMap = s_keys,
            },
            static () => WithIndex(2).Map(1, Target).Call(1).If(BpfOp.Jeq64, 0, 0, "end").Copy(1, 0)
                .MapValue(2, Source, 0).Call(1)),
    };

    [Theory, MemberData(nameof(Cases))]
    public void Many_bytes_cost_as_many_instructions(string name, BpfEngine engine)
    {
        (MapDefinition definition, Func<Asm> write) = s_cases[name];
        long cost = Bytes / 64;
        bool calls = name.StartsWith("for_each", StringComparison.Ordinal);
        Assert.Equal(BpfFaultKind.OutOfBudget, Run(definition, write(), engine, cost, calls));

        // Whoever goes through a map looks for one element more than there are.
        Assert.Equal(BpfFaultKind.None, Run(definition, write(), engine, (calls ? 2 * cost : cost) + 200, calls));
    }

    [Fact]
    public void Every_helper_that_takes_a_key_a_value_or_a_size_has_a_case()
    {
        // Keys of these are an index, or an address; and text to print is short.
        string[] small = ["sk_select_reuseport", "msg_redirect_hash", "sk_redirect_hash", "trace_printk"];

        // Of the same code as cgrp_storage_get.
        string[] same = ["sk_storage_get", "inode_storage_get", "task_storage_get"];
        IEnumerable<string> taking = BpfHelpers.Standard
            .Where(static helper => helper.Arguments.Any(static argument => argument
                is BpfArgument.MapKey or BpfArgument.MapValue or BpfArgument.MapValueOrNone
                or BpfArgument.MapValueToWrite or BpfArgument.MemoryToRead or BpfArgument.MemoryToWrite))
            .Select(static helper => helper.Name);
        Assert.Empty(taking.Except(small).Except(same).Except(s_cases.Keys.Select(static name => name.Split(',')[0])));
    }

    private static BpfFaultKind Run(MapDefinition definition, Asm program, BpfEngine engine, long budget, bool calls)
    {
        MemoryGroup group = new MemoryController().Root;
        using GroupMap source = GroupMap.Create(group, s_values with { Name = "source" });
        using GroupMap target = GroupMap.Create(group, definition);
        using GroupMap inner = GroupMap.Create(group, s_keys);
        if (definition.Type == MapType.ArrayOfMaps) Assert.Equal(0, ((ArrayOfMaps)target).Put(0, inner));
        if (definition == s_keys)
        {
            byte[] key = new byte[Bytes];
            long value = 1;
            fixed (byte* bytes = key) Assert.Equal(0, target.Update(bytes, (byte*)&value, 0));
        }

        program.Label("end").Move(0, 0).Exit();
        byte[] bytesOfProgram = (calls ? program.Label("each").Move(0, 0).Exit() : program).Bytes();
        using BpfProgram loaded = BpfProgram.Load(
            group,
            bytesOfProgram,
            new BpfProgramOptions { Maps = [source, target], InstructionBudget = budget, Engine = engine });
        loaded.TryRun([], out _, out BpfFault fault);
        return fault.Kind;
    }

    // The source in a register, and the target in r1.
    private static Asm WithKey(int register) => new Asm().MapValue(register, Source, 0).Map(1, Target);

    private static Asm WithIndex(int register) =>
        new Asm().Number(BpfOp.Store64, 10, 0, -8).Copy(register, 10).Number(BpfOp.Add64, register, -8);

    // A dynamic pointer to the source, whose place is in r6.
    private static Asm Pointer() => new Asm().Copy(6, 10).Number(BpfOp.Add64, 6, -16).MapValue(1, Source, 0)
        .Move(2, Bytes).Move(3, 0).Copy(4, 6).Call(197);
}
