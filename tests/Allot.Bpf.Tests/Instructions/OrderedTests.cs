using Allot.Bpf.Tests.Support;

namespace Allot.Bpf.Tests.Instructions;

/// <summary>Loads that acquire and stores that release.</summary>
public sealed class OrderedTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void They_load_and_store_like_the_others(int bytes)
    {
        int size = int.Log2(bytes);
        byte[] program = new Asm().Constant(2, 0xf8f7f6f5f4f3f2f1).Number(BpfOp.Store64, 10, 0, -16)
            .Register(BpfOp.StoreRelease8.Plus(size), 10, 2, -16).Register(BpfOp.LoadAcquire8.Plus(size), 3, 10, -16)
            .Register(BpfOp.Load64, 0, 10, -16).Register(BpfOp.Xor64, 0, 3).Exit().Bytes();
        Assert.Equal(0ul, Engines.Run(program, options: new BpfProgramOptions()).Result);
        if (KernelBpf.Reason is not null) return;
        Assert.True(KernelBpf.TryRun(program, [], out uint result, out string log), log);
        Assert.Equal(0u, result);
    }

    [Theory]
    [InlineData(BpfEngine.Interpreter)]
    [InlineData(BpfEngine.Compiler)]
    public void They_must_be_aligned_and_inside(BpfEngine engine)
    {
        var options = new BpfProgramOptions { Engine = engine, Verification = BpfVerification.Structure };
        foreach ((BpfOp op, int offset, BpfFaultKind kind) in (ReadOnlySpan<(BpfOp, int, BpfFaultKind)>)
            [
                (BpfOp.LoadAcquire32, -6, BpfFaultKind.Misaligned), (BpfOp.LoadAcquire64, 4096, BpfFaultKind.OutOfBounds),
                (BpfOp.StoreRelease16, -7, BpfFaultKind.Misaligned), (BpfOp.StoreRelease8, 4096, BpfFaultKind.OutOfBounds),
            ])
        {
            Asm asm = new Asm().Copy(2, 10).Move(0, 0).Number(BpfOp.Add64, 2, offset);
            asm = op.IsLoad() ? asm.Register(op, 0, 2) : asm.Register(op, 2, 0);
            using BpfProgram program = BpfProgram.Load(new MemoryController().Root, asm.Exit().Bytes(), options);
            Assert.False(program.TryRun([], out _, out BpfFault fault));
            Assert.Equal((kind, 3), (fault.Kind, fault.Instruction));
        }
    }

    [Fact]
    public void The_memory_of_the_run_is_not_known_to_be_aligned()
    {
        byte[] program = new Asm().Register(BpfOp.LoadAcquire32, 0, 1).Exit().Bytes();
        var options = new BpfProgramOptions { MemoryBytesMin = 8 };
        var refused = Assert.Throws<BpfRefusedException>(() => BpfProgram.Load(new MemoryController().Root, program, options));
        Assert.Contains("which may lie anywhere", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void They_have_names() => Assert.Equal(
        "    0: r0 = load_acquire((u32 *)(r10 - 8))\n    1: store_release((u8 *)(r10 - 8), r0)\n    2: may_goto - 3\n",
        BpfDisassembler.Disassemble(new Asm().Register(BpfOp.LoadAcquire32, 0, 10, -8)
            .Register(BpfOp.StoreRelease8, 10, 0, -8).Raw(0xe5, offset: -3).Bytes()));
}
