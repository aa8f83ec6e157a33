using Allot.Bpf.Tests.Support;
using Allot.Maps;

namespace Allot.Bpf.Tests.Callbacks;

/// <summary>What functions that helpers call may do, and what the verifier knows after it.</summary>
public sealed class CallbackVerifierTests
{
    private static readonly MapDefinition s_array =
        new() { Name = "counts", Type = MapType.Array, KeyBytes = 4, ValueBytes = 16, Capacity = 1 };

    private static readonly MapDefinition s_ring = new() { Name = "ring", Type = MapType.RingBuffer, Capacity = 4096 };

    private static readonly MapDefinition s_programs =
        new() { Name = "programs", Type = MapType.ProgramArray, KeyBytes = 4, ValueBytes = 4, Capacity = 1 };

    private static readonly MapDefinition s_hash =
        new() { Name = "users", Type = MapType.Hash, KeyBytes = 8, ValueBytes = 8, Capacity = 4 };

    [Fact]
    public void It_returns_0_or_1()
    {
        AssertAccepted(Loop(5, function => function.Move(0, 1).Exit()));
        AssertAccepted(Loop(5, function => function.Copy(0, 1).Number(BpfOp.And64, 0, 1).Exit()));
        AssertRefused(Loop(5, function => function.Move(0, 2).Exit()), "a function that is called back returns 0 or 1");
        AssertRefused(Loop(5, function => function.Copy(0, 1).Exit()), "a function that is called back returns 0 or 1");
        AssertRefused(Loop(5, function => function.Copy(0, 2).Exit()), "is an address in the stack; a function that is called back");
        AssertRefused(Loop(5, function => function.Exit()), "is read, and nothing was written");
    }

    [Fact]
    public void It_has_its_arguments_and_nothing_else()
    {
        AssertRefused(Loop(5, function => function.Copy(0, 3).Exit()), "is read, and nothing was written");
        AssertRefused(Loop(5, function => function.Copy(0, 6).Exit()), "is read, and nothing was written");
        AssertRefused(Loop(5, function => function.Register(BpfOp.Load64, 0, 10, -8).Exit()), "was not written");
        AssertRefused(Loop(5, function => function.Register(BpfOp.Load64, 3, 1).Move(0, 0).Exit()), "is a number and not an address");
    }

    [Fact]
    public void The_context_is_in_the_stack_or_0()
    {
        Asm number = new Asm().Move(1, 5).Function(2, "f").Move(3, 7).Move(4, 0).Call(181).Exit().Label("f").Move(0, 0).Exit();
        AssertRefused(number, "is a number; loop needs an address in the stack, or 0, there");
        Asm memory = new Asm().Copy(3, 1).Move(1, 5).Function(2, "f").Move(4, 0).Call(181).Exit().Label("f").Move(0, 0).Exit();
        AssertRefused(memory, "loop needs an address in the stack, or 0, there");
        Asm none = new Asm().Move(1, 5).Move(2, 0).Move(3, 0).Move(4, 0).Call(181).Exit();
        AssertRefused(none, "is a number; loop needs a function of the program there");
    }

    [Fact]
    public void A_function_is_no_number()
    {
        AssertRefused(new Asm().Function(0, "f").Exit().Label("f").Move(0, 0).Exit(), "is a function; a program returns a number");
        AssertRefused(
            new Asm().Function(1, "f").Number(BpfOp.Add64, 1, 8).Move(0, 0).Exit().Label("f").Move(0, 0).Exit(),
            "is a function, which has no address");
        AssertRefused(
            new Asm().Function(1, "f").Register(BpfOp.Load64, 0, 1).Exit().Label("f").Move(0, 0).Exit(),
            "is a function, where nothing can be read or written");
    }

    // What only the function writes was not written when it was not called.
    [Fact]
    public void It_may_not_have_been_called()
    {
        AssertRefused(
            Loop(5, function => function.Number(BpfOp.Store64, 2, 1, -8).Move(0, 0).Exit(), after => after.Register(BpfOp.Load64, 0, 10, -40)),
            "was not written on this path");
    }

    // Places 0 to 3 are at r10 - 32 and so on, and 0 at first. Each round moves them on by one.
    [Theory]
    [InlineData(0, 1, true)]
    [InlineData(0, 2, true)]
    [InlineData(0, 3, false)]
    [InlineData(0, 1000, false)]
    [InlineData(1, 1, true)]
    [InlineData(1, 2, false)]
    [InlineData(2, 1, false)]
    [InlineData(2, 0, true)]
    [InlineData(-1, 1000, true)]
    public void A_number_that_comes_with_later_rounds_is_seen(int place, int rounds, bool isAccepted)
    {
        static Asm Shifts(Asm function) => function
            .Register(BpfOp.Load64, 3, 2, 8).Register(BpfOp.Store64, 2, 3, 0)
            .Register(BpfOp.Load64, 3, 2, 16).Register(BpfOp.Store64, 2, 3, 8)
            .Register(BpfOp.Load64, 3, 2, 24).Register(BpfOp.Store64, 2, 3, 16)
            .Move(0, 0).Exit();
        Asm Uses(Asm after) => place < 0 ? after : after.MapValue(1, 0, 0)
            .Register(BpfOp.Load64, 3, 10, -32 + (8 * place)).Register(BpfOp.Add64, 1, 3).Register(BpfOp.Load8, 0, 1);
        Asm program = Loop(rounds, Shifts, Uses, last: 100);
        if (isAccepted) AssertAccepted(program);
        else AssertRefused(program, "reads 1 bytes", "plus a number without a bound");
    }

    [Fact]
    public void A_number_that_is_compared_is_known()
    {
        static Asm Counts(Asm function) => function.Register(BpfOp.Load64, 3, 2).If(BpfOp.Jlt64, 3, 16, "in").Move(0, 1).Exit()
            .Label("in").MapValue(4, 0, 0).Register(BpfOp.Add64, 4, 3).Number(BpfOp.Store8, 4, 1)
            .Number(BpfOp.Add64, 3, 1).Register(BpfOp.Store64, 2, 3).Move(0, 0).Exit();
        AssertAccepted(Loop(1_000_000, Counts));
        static Asm CountsTooFar(Asm function) => function.Register(BpfOp.Load64, 3, 2).If(BpfOp.Jle64, 3, 16, "in").Move(0, 1).Exit()
            .Label("in").MapValue(4, 0, 0).Register(BpfOp.Add64, 4, 3).Number(BpfOp.Store8, 4, 1)
            .Number(BpfOp.Add64, 3, 1).Register(BpfOp.Store64, 2, 3).Move(0, 0).Exit();
        AssertRefused(Loop(1_000_000, CountsTooFar), "writes 1 bytes at");
    }

    [Fact]
    public void A_number_that_is_not_compared_is_followed_as_far_as_the_loop_goes()
    {
        static Asm Counts(Asm function) => function.Register(BpfOp.Load64, 3, 2)
            .MapValue(4, 0, 0).Register(BpfOp.Add64, 4, 3).Number(BpfOp.Store8, 4, 1)
            .Number(BpfOp.Add64, 3, 1).Register(BpfOp.Store64, 2, 3).Move(0, 0).Exit();
        AssertAccepted(Loop(16, Counts));
        AssertRefused(Loop(17, Counts), "writes 1 bytes at 16 of a value of 'counts'");
    }

    // The number of rounds is part of what is known of the call.
    [Fact]
    public void More_rounds_of_the_same_call_are_followed_too()
    {
        Asm program = new Asm().Register(BpfOp.Load8, 6, 1).Number(BpfOp.Store64, 10, 15, -8).Move(1, 1)
            .If(BpfOp.Jeq64, 6, 0, "call").Move(1, 2)
            .Label("call").Function(2, "f").Copy(3, 10).Number(BpfOp.Add64, 3, -8).Move(4, 0).Call(181).Move(0, 0).Exit()
            .Label("f").Register(BpfOp.Load64, 3, 2).MapValue(4, 0, 0).Register(BpfOp.Add64, 4, 3).Number(BpfOp.Store8, 4, 1)
            .Number(BpfOp.Add64, 3, 1).Register(BpfOp.Store64, 2, 3).Move(0, 0).Exit();
        AssertRefused(program, "writes 1 bytes at 16 of a value of 'counts'");
    }

    [Fact]
    public void An_address_in_its_context_may_be_gone_in_the_next_round()
    {
        Asm program = new Asm().MapValue(6, 0, 0).Register(BpfOp.Store64, 10, 6, -8)
            .Move(1, 5).Function(2, "f").Copy(3, 10).Number(BpfOp.Add64, 3, -8).Move(4, 0).Call(181).Move(0, 0).Exit()
            .Label("f").Register(BpfOp.Load64, 3, 2).Register(BpfOp.Load64, 4, 3).Number(BpfOp.Store64, 2, 7).Move(0, 0).Exit();
        AssertRefused(program, "is a number and not an address");
        Asm afterwards = new Asm().MapValue(6, 0, 0).Register(BpfOp.Store64, 10, 6, -8)
            .Move(1, 5).Function(2, "f").Copy(3, 10).Number(BpfOp.Add64, 3, -8).Move(4, 0).Call(181)
            .Register(BpfOp.Load64, 3, 10, -8).Register(BpfOp.Load64, 0, 3).Exit()
            .Label("f").Number(BpfOp.Store64, 2, 7).Move(0, 0).Exit();
        AssertRefused(afterwards, "is a number and not an address");
    }

    [Fact]
    public void Its_stack_ends_with_it()
    {
        static Asm Keeps(Asm function) => function.Number(BpfOp.Store64, 10, 1, -8).Copy(3, 10).Number(BpfOp.Add64, 3, -8)
            .Register(BpfOp.Store64, 2, 3).Move(0, 0).Exit();
        AssertRefused(Loop(5, Keeps), "is an address in the stack of a function that ends before the place it is stored at");
        Asm called = new Asm().Copy(1, 10).Number(BpfOp.Add64, 1, -8).CallLocal("f").Register(BpfOp.Load64, 1, 10, -8)
            .Register(BpfOp.Load64, 0, 1).Exit()
            .Label("f").Number(BpfOp.Store64, 10, 1, -8).Copy(2, 10).Number(BpfOp.Add64, 2, -8).Register(BpfOp.Store64, 1, 2).Move(0, 0).Exit();
        AssertRefused(called, "is an address in the stack of a function that ends before the place it is stored at");
    }

    [Fact]
    public void Loops_of_the_program_still_have_to_end()
    {
        AssertRefused(Loop(5, function => function.Label("again").Jump("again").Move(0, 0).Exit()), "cannot be reached", "may not end");
        AssertRefused(
            Loop(5, function => function.Label("again").If(BpfOp.Jne64, 1, 5, "again").Move(0, 0).Exit()), "may not end");
        Asm around = new Asm().Number(BpfOp.Store64, 10, 0, -8).Label("again")
            .Move(1, 5).Function(2, "f").Copy(3, 10).Number(BpfOp.Add64, 3, -8).Move(4, 0).Call(181)
            .Register(BpfOp.Load64, 6, 10, -8).If(BpfOp.Jne64, 6, 100, "again").Move(0, 0).Exit()
            .Label("f").Register(BpfOp.Load64, 3, 2).Number(BpfOp.Add64, 3, 1).If(BpfOp.Jgt64, 3, 3, "end")
            .Register(BpfOp.Store64, 2, 3).Label("end").Move(0, 0).Exit();
        AssertRefused(around, "may not end", "too complex");
    }

    [Fact]
    public void Loops_around_calls_that_end_are_accepted()
    {
        Asm around = new Asm().Number(BpfOp.Store64, 10, 0, -8).Move(7, 0).Label("again")
            .Move(1, 5).Function(2, "f").Copy(3, 10).Number(BpfOp.Add64, 3, -8).Move(4, 0).Call(181)
            .Number(BpfOp.Add64, 7, 1).If(BpfOp.Jlt64, 7, 20, "again").Move(0, 0).Exit()
            .Label("f").Register(BpfOp.Load64, 3, 2).Register(BpfOp.Add64, 3, 1).Register(BpfOp.Store64, 2, 3).Move(0, 0).Exit();
        AssertAccepted(around);
    }

    [Fact]
    public void Branches_in_it_come_together()
    {
        Asm Branches(Asm function)
        {
            for (int branch = 0; branch < 24; branch++)
            {
                function.Register(BpfOp.Load64, 3, 2).Number(BpfOp.Rsh64, 3, branch).If(BpfOp.Jset64, 3, 1, $"{branch}")
                    .Number(BpfOp.Add64, 3, branch).Register(BpfOp.Store64, 2, 3, 8).Label($"{branch}");
            }

            return function.Register(BpfOp.Load64, 3, 2).Register(BpfOp.Add64, 3, 1).Register(BpfOp.Store64, 2, 3).Move(0, 0).Exit();
        }

        int visited = AssertAccepted(Loop(1000, Branches));
        Assert.True(visited < 20_000, $"{visited}");
    }

    [Fact]
    public void It_gives_back_what_it_reserves_and_nothing_else()
    {
        static Asm Reserves(Asm function) => function.Map(1, 1).Move(2, 8).Move(3, 0).Call(131)
            .If(BpfOp.Jne64, 0, 0, "reserved").Move(0, 0).Exit().Label("reserved");
        AssertRefused(Loop(5, function => Reserves(function).Move(0, 0).Exit()), "gives back what it has reserved");
        AssertAccepted(Loop(5, function => Reserves(function).Copy(1, 0).Move(2, 0).Call(132).Move(0, 0).Exit()));
        Asm givesBack = new Asm().Map(1, 1).Move(2, 8).Move(3, 0).Call(131).If(BpfOp.Jne64, 0, 0, "reserved").Move(0, 0).Exit()
            .Label("reserved").Register(BpfOp.Store64, 10, 0, -8)
            .Move(1, 1).Function(2, "f").Copy(3, 10).Number(BpfOp.Add64, 3, -8).Move(4, 0).Call(181)
            .Register(BpfOp.Load64, 1, 10, -8).Move(2, 0).Call(132).Move(0, 0).Exit()
            .Label("f").Register(BpfOp.Load64, 1, 2).Move(2, 0).Call(132).Move(0, 0).Exit();
        AssertRefused(givesBack, "gives back what it has reserved, and nothing that it has not");
        Asm keeps = new Asm().Map(1, 1).Move(2, 8).Move(3, 0).Call(131).If(BpfOp.Jne64, 0, 0, "reserved").Move(0, 0).Exit()
            .Label("reserved").Register(BpfOp.Store64, 10, 0, -8)
            .Move(1, 3).Function(2, "f").Copy(3, 10).Number(BpfOp.Add64, 3, -8).Move(4, 0).Call(181)
            .Register(BpfOp.Load64, 1, 10, -8).Move(2, 0).Call(132).Move(0, 0).Exit()
            .Label("f").Register(BpfOp.Load64, 3, 2).Number(BpfOp.Store64, 3, 5).Move(0, 0).Exit();
        AssertAccepted(keeps);
    }

    [Fact]
    public void It_makes_no_tail_call()
    {
        Asm program = Loop(5, function => function.Copy(1, 2).Map(2, 2).Move(3, 0).Call(12).Move(0, 0).Exit());
        AssertRefused(program, "is an address in the stack; tail_call needs the first argument of the program there");
    }

    [Fact]
    public void Calls_in_calls_end_somewhere()
    {
        Asm program = Loop(5, function => function.Copy(3, 2).Move(1, 5).Function(2, "f").Move(4, 0).Call(181).Move(0, 0).Exit());
        AssertRefused(program, "more than 8 functions call each other");
    }

    [Fact]
    public void A_key_is_read_and_not_kept()
    {
        Asm ForEach(Func<Asm, Asm> function, Func<Asm, Asm>? after = null)
        {
            Asm program = new Asm().Number(BpfOp.Store64, 10, 0, -8).Map(1, 3).Function(2, "f").Copy(3, 10).Number(BpfOp.Add64, 3, -8)
                .Move(4, 0).Call(164);
            return function((after?.Invoke(program) ?? program).Move(0, 0).Exit().Label("f"));
        }

        AssertAccepted(ForEach(f => f.Register(BpfOp.Load64, 5, 2).Register(BpfOp.Store64, 3, 5).Move(0, 0).Exit()));
        AssertAccepted(ForEach(f => f.Call(3).Move(0, 0).Exit()));   // map and key are as the helper needs them
        AssertRefused(ForEach(f => f.Register(BpfOp.Load64, 5, 2, 1).Move(0, 0).Exit()), "reads 8 bytes at 1 of a key of 'users'");
        AssertRefused(ForEach(f => f.Number(BpfOp.Store64, 2, 1).Move(0, 0).Exit()), "writes to a key of 'users', which can only be read");
        AssertRefused(
            ForEach(f => f.Register(BpfOp.Store64, 4, 2).Move(0, 0).Exit(), after => after.Register(BpfOp.Load64, 1, 10, -8).Register(BpfOp.Load64, 0, 1)),
            "was not written on this path", "is a number and not an address");
        AssertAccepted(
            ForEach(f => f.Number(BpfOp.Store64, 3, 1).Register(BpfOp.Load64, 5, 4).Register(BpfOp.Add64, 5, 5).Register(BpfOp.Store64, 4, 5).Move(0, 0).Exit()));
    }

    // Loop with four numbers of the stack as context, of which the last may be another.
    private static Asm Loop(int times, Func<Asm, Asm> function, Func<Asm, Asm>? after = null, int last = 0)
    {
        Asm program = new Asm().Number(BpfOp.Store64, 10, 0, -32).Number(BpfOp.Store64, 10, 0, -24)
            .Number(BpfOp.Store64, 10, 0, -16).Number(BpfOp.Store64, 10, last, -8)
            .Move(1, times).Function(2, "f").Copy(3, 10).Number(BpfOp.Add64, 3, -32).Move(4, 0).Call(181);
        return function((after?.Invoke(program) ?? program).Move(0, 0).Exit().Label("f"));
    }

    private static int AssertAccepted(Asm program)
    {
        var tree = new MemoryController();
        GroupMap[] maps = Maps(tree.Root);
        int visited;
        foreach (BpfEngine engine in Engines.All)
        {
            using BpfProgram loaded = Load(tree.Root, program, maps, engine);
            loaded.Run(new byte[8]);
        }

        using (BpfProgram loaded = Load(tree.Root, program, maps, BpfEngine.Interpreter)) visited = loaded.VerifiedInstructions;
        foreach (GroupMap map in maps) map.Dispose();
        Assert.Equal(0, tree.Root.Memory.CurrentBytes);
        return visited;
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
        [.. ((MapDefinition[])[s_array, s_ring, s_programs, s_hash]).Select(each => BpfMaps.Create(group, each))];

    private static BpfProgram Load(MemoryGroup group, Asm program, GroupMap[] maps, BpfEngine engine) =>
        BpfProgram.Load(group, program.Bytes(), new BpfProgramOptions { Maps = maps, MemoryBytesMin = 8, Engine = engine });
}
