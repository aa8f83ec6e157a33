using Allot.Bpf.Tests.Support;
using Allot.Maps;
using Allot.Testing;

namespace Allot.Bpf.Tests.Callbacks;

/// <summary>The same programs here and in the running kernel: with functions that helpers call, with dynamic pointers,
/// with maps in maps.</summary>
public sealed class KernelCallbackTests
{
    private static readonly MapDefinition s_array =
        new() { Name = "counts", Type = MapType.Array, KeyBytes = 4, ValueBytes = 16, Capacity = 1 };

    private static readonly MapDefinition s_ring = new() { Name = "ring", Type = MapType.RingBuffer, Capacity = 4096 };

    private static readonly MapDefinition s_hash =
        new() { Name = "users", Type = MapType.Hash, KeyBytes = 8, ValueBytes = 8, Capacity = 64 };

    private static readonly MapDefinition s_outer =
        new() { Name = "outer", Type = MapType.ArrayOfMaps, KeyBytes = 4, ValueBytes = 4, Capacity = 4, InnerMap = s_array };

    private static readonly MapDefinition[] s_maps = [s_array, s_ring, s_hash, s_outer];

    [Fact]
    public void Random_callbacks_do_the_same()
    {
        KernelBpf.Require();
        int both = 0, onlyHere = 0, onlyThere = 0;
        for (ulong seed = 1; seed <= 150; seed++)
        {
            byte[] program = RandomCallback.Make(seed);
            using KernelProgram? theirs = KernelProgram.TryLoad(program, s_maps, out string _);
            using Here ours = new(program);
            if (ours.Program is null && theirs is not null) onlyThere++;
            if (ours.Program is not null && theirs is null) onlyHere++;
            if (ours.Program is null || theirs is null) continue;
            both++;
            var random = new Prng(seed);
            for (int run = 0; run < 3; run++) AssertSame(ours.Program, theirs, random, $"seed {seed}");
        }

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{both} accepted by both, {onlyHere} only here, {onlyThere} only in the kernel");
        Assert.True(both > 40, $"{both} programs were accepted by both.");
        Assert.True(onlyThere < 10, $"{onlyThere} programs were accepted by the kernel alone.");
    }

    public static TheoryData<string, bool> Programs
    {
        get
        {
            var data = new TheoryData<string, bool>();
            foreach ((string name, (_, bool isAccepted)) in s_programs) data.Add(name, isAccepted);
            return data;
        }
    }

    [Theory, MemberData(nameof(Programs))]
    public void The_verdict_is_the_same(string name, bool isAccepted)
    {
        KernelBpf.Require();
        byte[] program = s_programs[name].Make().Bytes();
        using KernelProgram? theirs = KernelProgram.TryLoad(program, s_maps, out string log);
        using Here ours = new(program);
        Assert.True(isAccepted == theirs is not null, log);
        Assert.True(isAccepted == ours.Program is not null, ours.Refusal);
        if (theirs is null) return;
        var random = new Prng(1);
        for (int run = 0; run < 5; run++) AssertSame(ours.Program!, theirs, random, name);
    }

    private static void AssertSame(BpfProgram ours, KernelProgram theirs, Prng random, string what)
    {
        byte[] memory = [.. Enumerable.Range(0, 8).Select(_ => (byte)random.Below(20))];
        byte[] copy = [.. memory];
        uint expected = theirs.Run(copy);
        Assert.True(ours.TryRun(memory, out ulong result, out BpfFault fault), $"{what}: {fault}");
        Assert.True(expected == (uint)result, $"{what}: {expected} in the kernel, {result} here");
        Assert.Equal(copy, memory);
    }

    private static readonly Dictionary<string, (Func<Asm> Make, bool IsAccepted)> s_programs = new()
    {
        ["returns 0 or 1"] = (() => Loop(f => f.Copy(0, 1).Number(BpfOp.And64, 0, 1).Exit()), true),
        ["returns 2"] = (() => Loop(f => f.Move(0, 2).Exit()), false),
        ["returns anything"] = (() => Loop(f => f.Copy(0, 1).Exit()), false),
        ["third argument"] = (() => Loop(f => f.Copy(0, 3).Exit()), false),
        ["adds up"] = (() => Loop(
            f => f.Register(BpfOp.Load64, 3, 2).Register(BpfOp.Add64, 3, 1).Register(BpfOp.Store64, 2, 3).Move(0, 0).Exit(),
            after => after.Copy(7, 0).Register(BpfOp.Load64, 0, 10, -32).Number(BpfOp.Mul64, 0, 100).Register(BpfOp.Add64, 0, 7)), true),
        ["counts without a bound"] = (() => Loop(
            f => f.Register(BpfOp.Load64, 3, 2).MapValue(4, 0, 0).Register(BpfOp.Add64, 4, 3).Number(BpfOp.Store8, 4, 1)
                .Number(BpfOp.Add64, 3, 1).Register(BpfOp.Store64, 2, 3).Move(0, 0).Exit(), times: 17), false),
        ["counts as far as the loop goes"] = (() => Loop(
            f => f.Register(BpfOp.Load64, 3, 2).MapValue(4, 0, 0).Register(BpfOp.Add64, 4, 3).Number(BpfOp.Store8, 4, 1)
                .Number(BpfOp.Add64, 3, 1).Register(BpfOp.Store64, 2, 3).Move(0, 0).Exit(), times: 16), true),
        ["keeps its stack"] = (() => Loop(
            f => f.Number(BpfOp.Store64, 10, 1, -8).Copy(3, 10).Number(BpfOp.Add64, 3, -8).Register(BpfOp.Store64, 2, 3).Move(0, 0).Exit()), false),
        ["calls itself"] = (() => Loop(
            f => f.Copy(3, 2).Move(1, 5).Function(2, "f").Move(4, 0).Call(181).Move(0, 0).Exit()), false),
        ["reserves and keeps"] = (() => Loop(f => f.Map(1, 1).Move(2, 8).Move(3, 0).Call(131).Move(0, 0).Exit()), false),
        ["reserves and discards"] = (() => Loop(
            f => f.Map(1, 1).Move(2, 8).Move(3, 0).Call(131).If(BpfOp.Jeq64, 0, 0, "no").Copy(1, 0).Move(2, 0).Call(133).Label("no")
                .Move(0, 0).Exit()), true),
        ["elements"] = (() => ForEach(
            f => f.Register(BpfOp.Load64, 5, 2).Register(BpfOp.Load64, 1, 3).Register(BpfOp.Mul64, 5, 1)
                .Register(BpfOp.Load64, 1, 4).Register(BpfOp.Add64, 5, 1).Register(BpfOp.Store64, 4, 5).Move(0, 0).Exit()), true),
        ["deletes elements"] = (() => ForEach(f => f.Call(3).Move(0, 0).Exit()), true),
        ["writes a key"] = (() => ForEach(f => f.Number(BpfOp.Store64, 2, 1).Move(0, 0).Exit()), false),
        ["pointer that was not made"] = (() => Read(new Asm()), false),
        ["pointer to a value"] = (() => Read(Make(new Asm().Copy(6, 1))), true),
        ["pointer that was overwritten"] = (() => Read(Make(new Asm()).Number(BpfOp.Store64, 10, 0, -8)), false),
        ["half a pointer"] = (() => Read(Make(new Asm(), at: -24)), false),
        ["bytes of a pointer"] = (() => Make(new Asm()).Register(BpfOp.Load64, 0, 10, -16).Exit(), false),
        ["record kept"] = (() => Reserve(new Asm()).Move(0, 0).Exit(), false),
        ["record submitted"] = (() => Submit(Reserve(new Asm())).Move(0, 0).Exit(), true),
        ["record submitted twice"] = (() => Submit(Submit(Reserve(new Asm()))).Move(0, 0).Exit(), false),
        ["record overwritten"] = (() => Reserve(new Asm()).Number(BpfOp.Store8, 10, 0, -1).Move(0, 0).Exit(), false),
        ["value submitted"] = (() => Submit(Make(new Asm())).Move(0, 0).Exit(), false),
        ["slice"] = (() => Slice(Make(new Asm())).Number(BpfOp.Store64, 0, 7).Register(BpfOp.Load8, 0, 0).Exit(), true),
        ["slice that is too short"] = (() => Slice(Make(new Asm())).Register(BpfOp.Load64, 0, 0, 1).Exit(), false),
        ["slice after its record"] = (() => Submit(Slice(Reserve(new Asm())).Copy(7, 0)).Register(BpfOp.Load8, 0, 7).Exit(), false),
        ["map in a map"] = (() => Inner(f => f.Move(0, 5)), true),
        ["map in a map that is there"] = (() => Inner(
            f => f.Copy(1, 0).Number(BpfOp.Store32, 10, 0, -4).Copy(2, 10).Number(BpfOp.Add64, 2, -4).Call(1).If(BpfOp.Jeq64, 0, 0, "end")
                .Register(BpfOp.Load64, 1, 0, 8).Number(BpfOp.Add64, 1, 3).Register(BpfOp.Store64, 0, 1, 8).Copy(0, 1)), true),
        ["map in a map, beyond"] = (() => Inner(
            f => f.Copy(1, 0).Number(BpfOp.Store32, 10, 0, -4).Copy(2, 10).Number(BpfOp.Add64, 2, -4).Call(1).If(BpfOp.Jeq64, 0, 0, "end")
                .Register(BpfOp.Load64, 0, 0, 9)), false),
        ["map in a map, not compared"] = (() => new Asm().Number(BpfOp.Store32, 10, 1, -4).Copy(2, 10).Number(BpfOp.Add64, 2, -4)
            .Map(1, 3).Call(1).Copy(1, 0).Copy(2, 10).Number(BpfOp.Add64, 2, -4).Call(1).Move(0, 0).Exit(), false),
        ["changes a map of maps"] = (() => new Asm().Number(BpfOp.Store32, 10, 1, -4).Copy(2, 10).Number(BpfOp.Add64, 2, -4)
            .Map(1, 3).Call(3).Move(0, 0).Exit(), false),
        ["looks into a ring"] = (() => new Asm().Number(BpfOp.Store32, 10, 1, -4).Copy(2, 10).Number(BpfOp.Add64, 2, -4)
            .Map(1, 1).Call(1).Move(0, 0).Exit(), false),
        ["address of its stack in the caller's"] = (() => new Asm().Copy(1, 10).Number(BpfOp.Add64, 1, -8).CallLocal("f")
            .Move(0, 0).Exit().Label("f").Copy(2, 10).Number(BpfOp.Add64, 2, -8).Register(BpfOp.Store64, 1, 2).Move(0, 0).Exit(), false),
    };

    private static Asm Loop(Func<Asm, Asm> function, Func<Asm, Asm>? after = null, int times = 5)
    {
        Asm program = new Asm().Number(BpfOp.Store64, 10, 0, -32).Number(BpfOp.Store64, 10, 0, -24)
            .Number(BpfOp.Store64, 10, 0, -16).Number(BpfOp.Store64, 10, 0, -8)
            .Move(1, times).Function(2, "f").Copy(3, 10).Number(BpfOp.Add64, 3, -32).Move(4, 0).Call(181);
        return function((after is null ? program.Move(0, 0) : after(program)).Exit().Label("f"));
    }

    // Adds three elements and goes through them.
    private static Asm ForEach(Func<Asm, Asm> function)
    {
        Asm program = new();
        for (int key = 1; key <= 3; key++)
        {
            program.Number(BpfOp.Store64, 10, key, -8).Number(BpfOp.Store64, 10, 10 * key, -16).Map(1, 2).Copy(2, 10)
                .Number(BpfOp.Add64, 2, -8).Copy(3, 10).Number(BpfOp.Add64, 3, -16).Move(4, 0).Call(2);
        }

        program.Number(BpfOp.Store64, 10, 0, -8).Map(1, 2).Function(2, "f").Copy(3, 10).Number(BpfOp.Add64, 3, -8).Move(4, 0).Call(164)
            .Register(BpfOp.Load64, 1, 10, -8).Number(BpfOp.Mul64, 1, 10).Register(BpfOp.Add64, 0, 1).Exit().Label("f");
        return function(program);
    }

    private static Asm Make(Asm program, int at = -16) =>
        program.MapValue(1, 0, 0).Move(2, 16).Move(3, 0).Copy(4, 10).Number(BpfOp.Add64, 4, at).Call(197);

    private static Asm Reserve(Asm program) =>
        program.Map(1, 1).Move(2, 8).Move(3, 0).Copy(4, 10).Number(BpfOp.Add64, 4, -16).Call(198);

    private static Asm Submit(Asm program) => program.Copy(1, 10).Number(BpfOp.Add64, 1, -16).Move(2, 0).Call(199);

    private static Asm Slice(Asm program) => program.Copy(1, 10).Number(BpfOp.Add64, 1, -16).Move(2, 0).Move(3, 8).Call(203)
        .If(BpfOp.Jne64, 0, 0, "there").Move(0, 0).Exit().Label("there");

    private static Asm Read(Asm program) => program.Copy(1, 10).Number(BpfOp.Add64, 1, -40).Move(2, 8)
        .Copy(3, 10).Number(BpfOp.Add64, 3, -16).Move(4, 0).Move(5, 0).Call(201).Exit();

    private static Asm Inner(Func<Asm, Asm> use) => use(new Asm().Register(BpfOp.Load8, 3, 1).Number(BpfOp.And64, 3, 3)
        .Register(BpfOp.Store32, 10, 3, -4).Copy(2, 10).Number(BpfOp.Add64, 2, -4).Map(1, 3).Call(1).If(BpfOp.Jeq64, 0, 0, "end"))
        .Label("end").Exit();

    private sealed class Here : IDisposable
    {
        private readonly GroupMap[] _maps;

        public Here(byte[] program)
        {
            MemoryGroup group = new MemoryController().Root;
            _maps = [.. s_maps.Select(each => BpfMaps.Create(group, each))];
            using GroupMap inner = BpfMaps.Create(group, s_array);
            ((ArrayOfMaps)_maps[3]).Put(1, inner);
            ((ArrayOfMaps)_maps[3]).Put(3, inner);
            try
            {
                Program = BpfProgram.Load(group, program, new BpfProgramOptions
                {
                    Maps = _maps,
                    MemoryBytesMin = 8,
                    VerificationBudget = 100_000,
                });
            }
            catch (BpfRefusedException refused)
            {
                Refusal = refused.Message;
            }
        }

        public BpfProgram? Program { get; }

        public string Refusal { get; } = "";

        public void Dispose()
        {
            Program?.Dispose();
            foreach (GroupMap map in _maps) map.Dispose();
        }
    }
}
