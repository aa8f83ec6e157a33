using Allot.Bpf.Tests.Support;
using Allot.Maps;

namespace Allot.Bpf.Tests.Maps;

/// <summary>Programs that use maps which they find in maps of maps.</summary>
public sealed class InnerMapTests
{
    private static readonly MapDefinition s_inner =
        new() { Name = "inner", Type = MapType.Array, KeyBytes = 4, ValueBytes = 16, Capacity = 2 };

    private static readonly MapDefinition s_outer =
        new() { Name = "outer", Type = MapType.ArrayOfMaps, KeyBytes = 4, ValueBytes = 4, Capacity = 4, InnerMap = s_inner };

    private readonly MemoryGroup _group = new MemoryController().Root.CreateChild("tenant");

    public static TheoryData<BpfEngine> Engines => [BpfEngine.Interpreter, BpfEngine.Compiler];

    [Theory, MemberData(nameof(Engines))]
    public void Programs_in_c_use_them(BpfEngine engine)
    {
        foreach (string cpu in (string[])["v1", "v2", "v3"])
        {
            BpfObject read = BpfObject.Read(Clang.Compile("nested", cpu));
            Assert.Equal(3u, read.Maps.Single(map => map.Name == "seen").MapExtra);
            using var run = new ObjectRun(read, engine, "prog/nested");
            Assert.Equal(7ul, run.Run([1, 0, 7, 0, 0, 0, 0, 0]));
            Assert.Equal(12ul, run.Run([9, 0, 5, 0, 0, 0, 0, 0]));   // the same map by the other way
            Assert.Equal(1ul, run.Run([2, 0, 1, 0, 0, 0, 0, 0]));
            Assert.Equal(0ul, run.Run([2, 3, 40, 1, 0, 0, 0, 0]));
            Assert.Equal(-2, (long)run.Run([2, 9, 5, 0, 0, 0, 0, 0]));
            Assert.Equal(-1, (long)run.Run([3, 0, 7, 0, 0, 0, 0, 0]));
            Assert.Equal(12ul, run.Value(0, 0));
            Assert.Equal(40ul, run.Value(1, 3));
        }
    }

    [Theory, MemberData(nameof(Engines))]
    public void An_object_says_which_program_is_in_an_array(BpfEngine engine)
    {
        BpfObject read = BpfObject.Read(Clang.Compile("nested"));
        using var run = new ObjectRun(read, engine, "prog/tail");
        Assert.Equal(5ul, run.Run(new byte[3]));
        BpfProgram? other = null;
        read.FillProgramArrays(run.Maps, program => other = run.Load(program.Section));
        Assert.Equal(103ul, run.Run(new byte[3]));
        other!.Dispose();
    }

    [Theory, MemberData(nameof(Engines))]
    public void A_map_that_is_taken_out_meanwhile_stays_until_the_run_ends(BpfEngine engine)
    {
        using var outer = (ArrayOfMaps)GroupMap.Create(_group, s_outer);
        GroupMap inner = GroupMap.Create(_group, s_inner);
        Assert.Equal(0, outer.Put(1, inner));
        inner.Dispose();
        long withBoth = _group.Kernel.CurrentBytes;
        long during = 0;
        var takesOut = new BpfHelper(1000, "take_out", (_, _, _, _, _, _) =>
        {
            TakeOut(outer, 1);
            during = _group.Kernel.CurrentBytes;
            return 0;
        });
        Asm program = LookUp(new Asm(), map: 0, key: 1).If(BpfOp.Jne64, 0, 0, "found").Move(0, 99).Exit()
            .Label("found").Copy(6, 0).Number(BpfOp.Store32, 10, 0, -4).Copy(2, 10).Number(BpfOp.Add64, 2, -4).Copy(1, 6).Call(1)
            .If(BpfOp.Jne64, 0, 0, "value").Move(0, 98).Exit()
            .Label("value").Copy(7, 0).Call(1000).Number(BpfOp.Store64, 7, 5, 8).Register(BpfOp.Load64, 0, 7, 8).Exit();
        using (BpfProgram loaded = Load(program, engine, [takesOut], outer))
        {
            Assert.Equal(5ul, loaded.Run([]));
            Assert.True(during > withBoth - s_inner.ValueBytes);
            Assert.Equal(99ul, loaded.Run([]));
        }

        outer.Dispose();
        Assert.Equal(0, _group.Memory.CurrentBytes);
    }

    [Fact]
    public void They_are_compared_with_0_and_are_like_the_template()
    {
        using GroupMap outer = GroupMap.Create(_group, s_outer);
        Asm notCompared = LookUp(new Asm(), 0, 1).Copy(1, 0).Copy(2, 10).Number(BpfOp.Add64, 2, -4).Call(1).Move(0, 0).Exit();
        AssertRefused(notCompared, outer, "is a map that was looked up, or 0; map_lookup_elem needs a map there");
        Asm Reads(int offset) => LookUp(new Asm(), 0, 1).If(BpfOp.Jeq64, 0, 0, "end").Copy(1, 0)
            .Copy(2, 10).Number(BpfOp.Add64, 2, -4).Call(1).If(BpfOp.Jeq64, 0, 0, "end").Register(BpfOp.Load64, 0, 0, offset)
            .Label("end").Move(0, 0).Exit();
        using (Load(Reads(8), BpfEngine.Interpreter, [], outer))
        {
        }

        AssertRefused(Reads(9), outer, "reads 8 bytes at 9 of a value of 'a map in outer', which goes from 0 to 16");
        Asm loads = LookUp(new Asm(), 0, 1).If(BpfOp.Jeq64, 0, 0, "end").Register(BpfOp.Load64, 0, 0).Label("end").Move(0, 0).Exit();
        AssertRefused(loads, outer, "is a map, where nothing can be read or written");
        Asm returns = LookUp(new Asm(), 0, 1).Exit();
        AssertRefused(returns, outer, "is a map that was looked up, or 0; a program returns a number");
    }

    [Fact]
    public void Programs_do_not_change_a_map_of_maps()
    {
        using GroupMap outer = GroupMap.Create(_group, s_outer);
        Asm deletes = LookUp(new Asm(), 0, 1, helper: 3).Move(0, 0).Exit();
        AssertRefused(deletes, outer, "'outer' is a map of type ArrayOfMaps; map_delete_elem needs Hash");
    }

    [Theory, MemberData(nameof(Engines))]
    public void A_number_that_looks_like_one_is_none(BpfEngine engine)
    {
        using GroupMap outer = GroupMap.Create(_group, s_outer);
        Asm program = new Asm().Number(BpfOp.Store32, 10, 0, -4).Copy(2, 10).Number(BpfOp.Add64, 2, -4)
            .Constant(1, BpfExecution.InnerMapBase).Call(1).Move(0, 0).Exit();
        using var loaded = BpfProgram.Load(_group, program.Bytes(), new BpfProgramOptions
        {
            Maps = [outer],
            Engine = engine,
            Verification = BpfVerification.Structure,
        });
        Assert.False(loaded.TryRun([], out _, out BpfFault fault));
        Assert.Equal(BpfFaultKind.BadArgument, fault.Kind);
    }

    private static unsafe void TakeOut(ArrayOfMaps map, int index) => Assert.Equal(0, map.Remove((byte*)&index));

    private static Asm LookUp(Asm program, int map, int key, int helper = 1) =>
        program.Number(BpfOp.Store32, 10, key, -4).Copy(2, 10).Number(BpfOp.Add64, 2, -4).Map(1, map).Call(helper);

    private BpfProgram Load(Asm program, BpfEngine engine, BpfHelper[] helpers, params GroupMap[] maps) =>
        BpfProgram.Load(_group, program.Bytes(), new BpfProgramOptions { Maps = maps, Engine = engine, Helpers = helpers });

    private void AssertRefused(Asm program, GroupMap map, string reason)
    {
        var refused = Assert.Throws<BpfRefusedException>(() => Load(program, BpfEngine.Interpreter, [], map));
        Assert.Contains(reason, refused.Message);
    }
}
