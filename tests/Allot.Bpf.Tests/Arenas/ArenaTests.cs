using Allot.Bpf.Tests.Fuzz;
using Allot.Bpf.Tests.Support;
using Allot.Maps;
using Allot.Testing;

namespace Allot.Bpf.Tests.Arenas;

/// <summary>Programs that use an arena: what is there is read and written, what is not is 0, and nothing else is touched.
/// </summary>
public sealed unsafe class ArenaTests : IDisposable
{
    private const int Pages = 4, PageBytes = ArenaMap.PageBytes;

    private static readonly MapDefinition s_arena =
        new() { Name = "arena", Type = MapType.Arena, Capacity = Pages, Flags = MapFlags.Mappable };

    private readonly MemoryGroup _group = new MemoryController().Root;
    private readonly ArenaMap _arena;

    public ArenaTests() => _arena = (ArenaMap)BpfMaps.Create(_group, s_arena);

    public void Dispose() => _arena.Dispose();

    [Fact]
    public void A_program_reads_and_writes_what_the_host_does()
    {
        *(ulong*)_arena.AllocatePages(1) = 40;
        Asm asm = Begin().Register(BpfOp.Load64, 0, 7).Number(BpfOp.Add64, 0, 2).Register(BpfOp.Store64, 7, 0, 8);
        Assert.Equal(42ul, Run(asm.Exit()).Result);
        Assert.True(_arena.TryTouch(0, out Span<byte> page));
        Assert.Equal(42ul, BitConverter.ToUInt64(page[8..]));
    }

    [Fact]
    public void What_is_not_there_is_0_and_stays_free_of_charge()
    {
        long before = _group.Memory.CurrentBytes;
        Asm asm = Begin().Number(BpfOp.Store64, 7, 9).Register(BpfOp.Load64, 0, 7).Number(BpfOp.Add64, 7, -8)
            .Number(BpfOp.Store64, 7, 9).Register(BpfOp.Load64, 2, 7).Register(BpfOp.Or64, 0, 2).Exit();
        Assert.Equal(0ul, Run(asm).Result);
        Assert.Equal((0, before), (_arena.Count, _group.Memory.CurrentBytes));
    }

    [Fact]
    public void The_end_of_an_access_must_be_there_too()
    {
        _arena.AllocatePages(1);
        Asm asm = Begin().Number(BpfOp.Store64, 7, -1, PageBytes - 4).Register(BpfOp.Load32, 0, 7, PageBytes - 4);
        Assert.Equal(0ul, Run(asm.Exit()).Result);
    }

    [Fact]
    public void Arithmetic_on_addresses_has_32_bits()
    {
        _arena.AllocatePages(Pages);
        Asm asm = Begin().Constant(3, 0x7_0000_0010).Register(BpfOp.Add64, 7, 3).Number(BpfOp.Store64, 7, 5)
            .CastFromArena(0, 7).Register(BpfOp.Sub64, 0, 6).Exit();
        Assert.Equal(16ul, Run(asm).Result);
        Assert.True(_arena.TryTouch(0, out Span<byte> page));
        Assert.Equal(5, page[16]);
    }

    [Fact]
    public void Zero_stays_zero() => Assert.Equal(0ul, Run(Begin().Move(2, 0).CastToArena(3, 2).CastFromArena(0, 3).Exit()).Result);

    [Fact]
    public void An_atomic_operation_that_is_not_aligned_is_a_fault()
    {
        _arena.AllocatePages(1);
        Assert.Equal(BpfFaultKind.Misaligned, Run(Begin().Register(BpfOp.AtomicAdd32, 7, 0, 2).Exit()).Fault.Kind);
    }

    [Theory]
    [InlineData("no arena", "is for a program with one arena")]
    [InlineData("one of two ways", "is about an address in an arena on one path")]
    [InlineData("one sum of two ways", "is about an address in an arena on one path")]
    [InlineData("stored", "what is stored in an arena is a number")]
    [InlineData("returned", "is an address in an arena; a program returns a number")]
    [InlineData("helper", "is an address in an arena")]
    [InlineData("stack", "is an address in the stack, and no address of an arena")]
    [InlineData("negated", "to which numbers can be added")]
    [InlineData("structure", "is known of verified programs only")]
    public void What_is_not_known_is_refused(string what, string reason)
    {
        Asm asm = what switch
        {
            "no arena" => new Asm().Move(2, 0).CastToArena(3, 2).Move(0, 0).Exit(),
            "one of two ways" => Begin().If(BpfOp.Jeq64, 2, 0, "load").Copy(7, 10).Number(BpfOp.Add64, 7, -8)
                .Number(BpfOp.Store64, 7, 1).Label("load").Register(BpfOp.Load64, 0, 7).Exit(),
            "one sum of two ways" => Begin().If(BpfOp.Jeq64, 2, 0, "add").Move(7, 4).Label("add").Number(BpfOp.Add64, 7, 1)
                .Move(0, 0).Exit(),
            "stored" => Begin().Register(BpfOp.Store64, 7, 7).Exit(),
            "returned" => Begin().Copy(0, 7).Exit(),
            "helper" => Begin().Copy(1, 7).Move(2, 8).Call(6).Exit(),
            "stack" => Begin().CastToArena(3, 10).Exit(),
            "negated" => Begin().One(BpfOp.Neg64, 7).Exit(),
            _ => Begin().Exit(),
        };
        var options = new BpfProgramOptions
        {
            Maps = what == "no arena" ? [] : [_arena],
            Verification = what == "structure" ? BpfVerification.Structure : BpfVerification.Full,
        };
        var refused = Assert.Throws<BpfRefusedException>(() => BpfProgram.Load(_group, asm.Bytes(), options));
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Casts_have_names() => Assert.Equal(
        "    0: r3 = addr_space_cast(r2, 0, 1)\n    1: r2 = addr_space_cast(r3, 1, 0)\n",
        BpfDisassembler.Disassemble(new Asm().CastToArena(3, 2).CastFromArena(2, 3).Bytes()));

    [Fact]
    public void Random_programs_do_the_same_in_both_engines_and_in_the_kernel()
    {
        for (ulong seed = 1; seed <= 300; seed++)
        {
            byte[] program = RandomArenaProgram.Make(seed, Pages * PageBytes);
            byte[] own = RunInArena(program);
            if (KernelBpf.Reason is not null) continue;
            using KernelProgram? kernel = KernelProgram.TryLoad(program, [s_arena], out string log);
            Assert.True(kernel is not null, $"seed {seed}: {log}");
            Fill(page => kernel.Arena.Slice(page * PageBytes, PageBytes));
            byte[] memory = new byte[RandomArenaProgram.MemoryBytes];
            kernel.Run(memory);
            byte[] all = [.. memory, .. s_pagesThere.SelectMany(page => kernel.Arena.Slice(page * PageBytes, PageBytes).ToArray())];
            int same = own.AsSpan().CommonPrefixLength(all);
            Assert.True(same == all.Length, $"seed {seed}, byte {same}:\n{BpfDisassembler.Disassemble(program)}");
        }
    }

    [Fact]
    public void Mutated_programs_touch_nothing_else_and_do_the_same_in_both_engines()
    {
        var forms = InstructionForm.All.ToArray();
        int accepted = 0;
        for (ulong seed = 1; seed <= 4_000; seed++)
        {
            var random = new Prng(seed);
            byte[] program = RandomArenaProgram.Make(seed % 64, Pages * PageBytes);
            for (int change = 1 + random.Below(3); change > 0; change--)
            {
                int at = random.Below(program.Length / 8) * 8;
                if (random.OneIn(3)) program[at] = random.Pick(forms).Opcode;
                else if (random.OneIn(2)) program[at + 1] = (byte)(random.Below(11) | (random.Below(11) << 4));
                else BitConverter.TryWriteBytes(program.AsSpan(at + 2), (short)(random.Below(64) - 32));
            }

            if (RunMutated(seed, program)) accepted++;
        }

        Assert.True(accepted > 100, $"Only {accepted} were accepted.");
    }

    private static readonly int[] s_pagesThere = [0, 1, 3];

    private static Asm Begin() => new Asm().Move(0, 0).MapValue(6, 0, 0).CastToArena(7, 6);

    private delegate Span<byte> PageOf(int page);

    private static void Fill(PageOf pageOf)
    {
        foreach (int page in s_pagesThere)
        {
            Span<byte> bytes = pageOf(page);
            for (int at = 0; at < PageBytes; at++) bytes[at] = (byte)((at * 7) + page);
        }
    }

    private Span<byte> Page(int page) =>
        _arena.TryTouch(page, out Span<byte> bytes) ? bytes : throw new InvalidOperationException("no page");

    // In each engine, and both the same.
    private (ulong Result, BpfFault Fault) Run(Asm asm)
    {
        (ulong, BpfFault)? first = null;
        foreach (BpfEngine engine in Engines.All)
        {
            using BpfProgram program = BpfProgram.Load(_group, asm.Bytes(), new BpfProgramOptions { Maps = [_arena], Engine = engine });
            program.TryRun([], out ulong result, out BpfFault fault);
            first ??= (result, fault);
            Assert.Equal(first, (result, fault));
        }

        return first!.Value;
    }

    private byte[] RunInArena(byte[] program)
    {
        byte[]? first = null;
        foreach (BpfEngine engine in Engines.All)
        {
            byte[] all = RunInArena(program, engine);
            first ??= all;
            Assert.Equal(first, all);
        }

        return first!;
    }

    private byte[] RunInArena(byte[] program, BpfEngine engine)
    {
        var options = new BpfProgramOptions
        {
            Maps = [_arena],
            Engine = engine,
            MemoryBytesMin = RandomArenaProgram.MemoryBytes,
            InstructionBudget = 5_000,
            VerificationBudget = 10_000,
        };
        using BpfProgram loaded = BpfProgram.Load(_group, program, options);
        Fill(Page);
        using var memory = new GuardedMemory();
        memory.Put(new byte[RandomArenaProgram.MemoryBytes], atEnd: true);
        loaded.TryRun(memory.Held, out ulong result, out BpfFault fault);
        Assert.True(fault.Kind is BpfFaultKind.None or BpfFaultKind.OutOfBudget or BpfFaultKind.Misaligned, fault.ToString());
        Assert.True(memory.IsWhole);
        Assert.Equal(s_pagesThere.Length, _arena.Count);
        if (fault.Kind != BpfFaultKind.None) return BitConverter.GetBytes(fault.Instruction);
        return [.. memory.Held, .. s_pagesThere.SelectMany(page => Page(page).ToArray())];
    }

    private bool RunMutated(ulong seed, byte[] program)
    {
        try
        {
            RunInArena(program);
            return true;
        }
        catch (BpfRefusedException)
        {
            return false;
        }
        catch (Exception failure)
        {
            throw new InvalidOperationException($"seed {seed}: {failure.Message}\n{BpfDisassembler.Disassemble(program)}", failure);
        }
    }
}
