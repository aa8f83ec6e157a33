using Allot.Bpf.Tests.Support;
using Allot.Maps;

namespace Allot.Bpf.Tests.Callbacks;

/// <summary>What may be done with dynamic pointers.</summary>
public sealed class DynamicPointerTests
{
    private static readonly MapDefinition s_array =
        new() { Name = "counts", Type = MapType.Array, KeyBytes = 4, ValueBytes = 16, Capacity = 1 };

    private static readonly MapDefinition s_ring = new() { Name = "ring", Type = MapType.RingBuffer, Capacity = 4096 };

    private static readonly MapDefinition s_requests =
        new() { Name = "requests", Type = MapType.UserRingBuffer, Capacity = 4096 };

    [Fact]
    public void One_that_was_not_made_is_none()
    {
        AssertRefused(Read(new Asm()), "is a place in the stack where no dynamic pointer is; dynptr_read needs a dynamic pointer there");
        Asm numbers = new Asm().Number(BpfOp.Store64, 10, 0, -16).Number(BpfOp.Store64, 10, 0, -8);
        AssertRefused(Read(numbers), "is a place in the stack where no dynamic pointer is");
        AssertRefused(new Asm().Move(3, 5).Copy(1, 3).Move(2, 0).Move(3, 8).Call(203).Exit(), "is a number; dynptr_data needs a dynamic pointer");
        AssertAccepted(Read(Make()));
        AssertRefused(Read(Make(), at: -8), "goes from -512 to 0");
        AssertRefused(Read(Make(at: -24), at: -16), "is a place in the stack where no dynamic pointer is");
    }

    [Fact]
    public void Its_bytes_are_neither_read_nor_written()
    {
        AssertRefused(Make().Register(BpfOp.Load64, 0, 10, -16).Exit(), "where byte -16 is part of a dynamic pointer");
        AssertRefused(Make().Register(BpfOp.Load8, 0, 10, -3).Exit(), "where byte -3 is part of a dynamic pointer");
        AssertRefused(Read(Make().Number(BpfOp.Store8, 10, 0, -1)), "where no dynamic pointer is");
        AssertRefused(Read(Make().Number(BpfOp.Store64, 10, 0, -16)), "where no dynamic pointer is");
        AssertAccepted(Make().Number(BpfOp.Store64, 10, 0, -16).Number(BpfOp.Store64, 10, 5, -8).Register(BpfOp.Load64, 0, 10, -8).Exit());
        AssertRefused(Make().Number(BpfOp.Store64, 10, 0, -16).Register(BpfOp.Load64, 0, 10, -8).Exit(), "was not written on this path");
        Asm helper = Make().Copy(1, 10).Number(BpfOp.Add64, 1, -16).Move(2, 8).Copy(3, 10).Number(BpfOp.Add64, 3, -16).Move(4, 0).Move(5, 0).Call(201).Exit();
        AssertRefused(helper, "where no dynamic pointer is");
    }

    [Fact]
    public void Its_place_is_a_constant_one_in_the_stack()
    {
        AssertRefused(Make(at: -12).Exit(), "dynptr_from_mem needs a constant multiple of 8 in the stack there");
        AssertRefused(Make(at: -8).Exit(), "writes 16 bytes at -8 of the stack");
        AssertRefused(Make(at: -520).Exit(), "writes 16 bytes at -520 of the stack");
        Asm inMemory = new Asm().Copy(4, 1).MapValue(1, 0, 0).Move(2, 16).Move(3, 0).Call(197).Exit();
        AssertRefused(inMemory, "dynptr_from_mem needs a constant multiple of 8 in the stack there");
    }

    [Fact]
    public void Memory_is_that_of_a_map()
    {
        Asm stack = new Asm().Number(BpfOp.Store64, 10, 0, -24).Copy(1, 10).Number(BpfOp.Add64, 1, -24).Move(2, 8).Move(3, 0)
            .Copy(4, 10).Number(BpfOp.Add64, 4, -16).Call(197).Exit();
        AssertRefused(stack, "dynptr_from_mem needs an address in a value of a map there");
        AssertRefused(Make(bytes: 17).Exit(), "goes from 0 to 16");
    }

    [Fact]
    public void A_slice_has_its_size_and_ends_with_its_pointer()
    {
        Asm Slice(Asm program, int bytes) => program.Copy(1, 10).Number(BpfOp.Add64, 1, -16).Move(2, 0).Move(3, bytes).Call(203);
        AssertRefused(Slice(Make(), 8).Register(BpfOp.Load8, 0, 0).Exit(), "is the address of the memory of a dynamic pointer, or 0: compare it");
        Asm Checked(Asm program) => program.If(BpfOp.Jne64, 0, 0, "there").Move(0, 0).Exit().Label("there");
        AssertAccepted(Checked(Slice(Make(), 8)).Number(BpfOp.Store64, 0, 7).Register(BpfOp.Load64, 0, 0).Exit());
        AssertRefused(Checked(Slice(Make(), 8)).Register(BpfOp.Load8, 0, 0, 8).Exit(), "reads 1 bytes at 8 of the memory of a dynamic pointer");
        AssertRefused(Checked(Slice(Make(), 8)).Copy(6, 0).Number(BpfOp.Store64, 10, 0, -8).Register(BpfOp.Load8, 0, 6).Exit(), "nothing was written to it");
        Asm unknown = Make().Register(BpfOp.Load8, 3, 6).Copy(1, 10).Number(BpfOp.Add64, 1, -16).Move(2, 0).Call(203).Exit();
        AssertRefused(unknown, "dynptr_data needs a constant number of bytes there");
    }

    [Fact]
    public void A_record_is_given_back()
    {
        AssertRefused(Reserve().Move(0, 0).Exit(), "has reserved was not given back on this path");
        AssertAccepted(Submit(Reserve()).Move(0, 0).Exit());
        AssertAccepted(Submit(Reserve(), helper: 200).Move(0, 0).Exit());
        AssertRefused(Submit(Submit(Reserve())).Move(0, 0).Exit(), "is a place in the stack where no dynamic pointer is");
        AssertRefused(Submit(Make()).Move(0, 0).Exit(), "ringbuf_submit_dynptr needs one whose memory was reserved");
        AssertRefused(Reserve().Number(BpfOp.Store8, 10, 0, -1).Move(0, 0).Exit(), "writes over a dynamic pointer whose memory was reserved");
        AssertRefused(Reserve(Reserve()).Move(0, 0).Exit(), "writes over a dynamic pointer whose memory was reserved");
        AssertRefused(Make(Reserve()).Move(0, 0).Exit(), "writes over a dynamic pointer whose memory was reserved");
        AssertAccepted(Submit(Reserve(Make())).Move(0, 0).Exit());
    }

    [Fact]
    public void A_slice_of_a_record_ends_when_the_record_is_submitted()
    {
        Asm program = Submit(Reserve().Copy(1, 10).Number(BpfOp.Add64, 1, -16).Move(2, 0).Move(3, 8).Call(203).Copy(7, 0))
            .If(BpfOp.Jeq64, 7, 0, "end").Number(BpfOp.Store64, 7, 1).Label("end").Move(0, 0).Exit();
        AssertRefused(program, "nothing was written to it on this path");
        Asm stored = Submit(Reserve().Copy(1, 10).Number(BpfOp.Add64, 1, -16).Move(2, 0).Move(3, 8).Call(203).Register(BpfOp.Store64, 10, 0, -32))
            .Register(BpfOp.Load64, 7, 10, -32).Move(0, 0).Exit();
        AssertRefused(stored, "was not written on this path");
    }

    [Fact]
    public void A_lent_pointer_is_read_written_and_not_kept()
    {
        AssertAccepted(Drain(f => f.Move(2, 0).Move(3, 8).Call(203).If(BpfOp.Jeq64, 0, 0, "no").Register(BpfOp.Load64, 1, 0).Label("no").Move(0, 0).Exit()));
        AssertRefused(Drain(f => f.Register(BpfOp.Load64, 3, 1).Move(0, 0).Exit()), "is the address of a dynamic pointer, where nothing can be read or written");
        AssertRefused(Drain(f => f.Number(BpfOp.Add64, 1, 8).Move(0, 0).Exit()), "is the address of a dynamic pointer, which has no address");
        AssertRefused(Drain(f => f.Move(2, 0).Call(199).Move(0, 0).Exit()), "ringbuf_submit_dynptr needs one whose memory was reserved");
        Asm slice = Drain(
            f => f.Copy(6, 2).Move(2, 0).Move(3, 8).Call(203).Register(BpfOp.Store64, 6, 0).Move(0, 0).Exit(),
            after => after.Register(BpfOp.Load64, 6, 10, -32).If(BpfOp.Jeq64, 6, 0, "none").Register(BpfOp.Load8, 0, 6).Label("none"));
        AssertRefused(slice, "was not written on this path", "is a number and not an address");
        Asm pointer = Drain(
            f => f.Register(BpfOp.Store64, 2, 1).Move(0, 0).Exit(),
            after => after.Register(BpfOp.Load64, 1, 10, -32).Move(2, 0).Move(3, 8).Call(203));
        AssertRefused(pointer, "was not written on this path", "is a number; dynptr_data needs");
    }

    [Fact]
    public void A_function_does_not_keep_a_record()
    {
        Asm made = Drain(f => f.Copy(4, 2).Map(1, 1).Move(2, 8).Move(3, 0).Call(198).Move(0, 0).Exit());
        AssertRefused(made, "gives back what it has reserved");
    }

    // A place in memory that nobody may use, or that is another's, does no harm.
    [Theory]
    [InlineData(201)]
    [InlineData(202)]
    [InlineData(199)]
    [InlineData(200)]
    public void One_that_was_forged_is_a_fault(int helper)
    {
        Asm program = new Asm().Constant(6, 0x1000).Register(BpfOp.Store64, 10, 6, -16).Number(BpfOp.Store64, 10, 64, -8)
            .Number(BpfOp.Store64, 10, 0, -24);
        program = helper switch
        {
            201 => program.Copy(1, 10).Number(BpfOp.Add64, 1, -24).Move(2, 8).Copy(3, 10).Number(BpfOp.Add64, 3, -16).Move(4, 0).Move(5, 0),
            202 => program.Copy(1, 10).Number(BpfOp.Add64, 1, -16).Move(2, 0).Copy(3, 10).Number(BpfOp.Add64, 3, -24).Move(4, 8).Move(5, 0),
            _ => program.Copy(1, 10).Number(BpfOp.Add64, 1, -16).Move(2, 0),
        };
        program.Call(helper).Move(0, 0).Exit();
        foreach (BpfEngine engine in Engines.All)
        {
            using BpfProgram loaded = BpfProgram.Load(new MemoryController().Root, program.Bytes(), new BpfProgramOptions
            {
                Verification = BpfVerification.Structure,
                Engine = engine,
            });
            Assert.False(loaded.TryRun(new byte[8], out _, out BpfFault fault));
            Assert.Equal(BpfFaultKind.BadArgument, fault.Kind);
            Assert.Equal(program.Count - 3, fault.Instruction);
        }
    }

    private static Asm Make(Asm? program = null, int at = -16, int bytes = 16) => (program ?? new Asm().Copy(6, 1)).MapValue(1, 0, 0).Move(2, bytes)
        .Move(3, 0).Copy(4, 10).Number(BpfOp.Add64, 4, at).Call(197);

    private static Asm Reserve(Asm? program = null) => (program ?? new Asm()).Map(1, 1).Move(2, 8).Move(3, 0).Copy(4, 10)
        .Number(BpfOp.Add64, 4, -16).Call(198);

    private static Asm Submit(Asm program, int helper = 199) => program.Copy(1, 10).Number(BpfOp.Add64, 1, -16).Move(2, 0).Call(helper);

    private static Asm Read(Asm program, int at = -16) => program.Copy(1, 10).Number(BpfOp.Add64, 1, -40).Move(2, 8)
        .Copy(3, 10).Number(BpfOp.Add64, 3, at).Move(4, 0).Move(5, 0).Call(201).Exit();

    private static Asm Drain(Func<Asm, Asm> function, Func<Asm, Asm>? after = null)
    {
        Asm program = new Asm().Map(1, 2).Function(2, "f").Copy(3, 10).Number(BpfOp.Add64, 3, -32).Move(4, 0).Call(209);
        return function((after?.Invoke(program) ?? program).Move(0, 0).Exit().Label("f"));
    }

    private static void AssertAccepted(Asm program)
    {
        var tree = new MemoryController();
        foreach (BpfEngine engine in Engines.All)
        {
            GroupMap[] maps = Maps(tree.Root);
            Assert.True(((UserRingBuffer)maps[2]).TryWrite([1, 2, 3, 4, 5, 6, 7, 8]));
            using (BpfProgram loaded = Load(tree.Root, program, maps, engine)) loaded.Run(new byte[8]);
            foreach (GroupMap map in maps) map.Dispose();
            Assert.Equal(0, tree.Root.Memory.CurrentBytes);
        }
    }

    private static void AssertRefused(Asm program, params string[] reasons)
    {
        var tree = new MemoryController();
        GroupMap[] maps = Maps(tree.Root);
        string message = Assert.Throws<BpfRefusedException>(() => Load(tree.Root, program, maps, BpfEngine.Interpreter)).Message;
        Assert.True(reasons.Any(reason => message.Contains(reason, StringComparison.Ordinal)), message);
        foreach (GroupMap map in maps) map.Dispose();
        Assert.Equal(0, tree.Root.Memory.CurrentBytes);
    }

    private static GroupMap[] Maps(MemoryGroup group) =>
        [.. ((MapDefinition[])[s_array, s_ring, s_requests]).Select(each => BpfMaps.Create(group, each))];

    private static BpfProgram Load(MemoryGroup group, Asm program, GroupMap[] maps, BpfEngine engine) =>
        BpfProgram.Load(group, program.Bytes(), new BpfProgramOptions { Maps = maps, MemoryBytesMin = 8, Engine = engine });
}
