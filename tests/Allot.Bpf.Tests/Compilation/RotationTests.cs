using Allot.Bpf.Tests.Support;

namespace Allot.Bpf.Tests.Compilation;

/// <summary>What is a rotation and what only looks like one: both engines give the same, and the compiler has found as
/// many as there are.</summary>
public sealed class RotationTests
{
    private static readonly ulong s_value = 0x8123_4567_89ab_cdef;

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(63)]
    public void Of_64_bits(int left)
    {
        Asm program = Begin().Copy(2, 1).Number(BpfOp.Rsh64, 2, 64 - left).Register(BpfOp.Xor64, 3, 1)
            .Number(BpfOp.Lsh64, 1, left).Register(BpfOp.Or64, 1, 2).Copy(0, 1).Exit();
        AssertGives(ulong.RotateLeft(s_value, left), program, found: 1);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(31)]
    public void Of_32_bits(int left)
    {
        Asm program = Begin().Register(BpfOp.Mov32, 2, 1).Number(BpfOp.Lsh32, 2, left).Number(BpfOp.Rsh32, 1, 32 - left)
            .Register(BpfOp.Or32, 2, 1).Copy(0, 2).Exit();
        AssertGives(uint.RotateLeft((uint)s_value, left), program, found: 1);
    }

    [Fact]
    public void The_halves_keep_their_own_results() => AssertGives(
        ulong.RotateLeft(s_value, 8) ^ (s_value << 8) ^ (s_value >> 56),
        Begin().Copy(2, 1).Number(BpfOp.Rsh64, 2, 56).Number(BpfOp.Lsh64, 1, 8).Copy(3, 1).Copy(4, 2)
            .Register(BpfOp.Or64, 1, 2).Register(BpfOp.Xor64, 1, 3).Register(BpfOp.Xor64, 1, 4).Copy(0, 1).Exit(),
        found: 1);

    [Fact]
    public void Not_of_two_values() => AssertGives(
        ((s_value + 1) << 8) | (s_value >> 56),
        Begin().Copy(2, 1).Number(BpfOp.Rsh64, 2, 56).Number(BpfOp.Add64, 1, 1).Number(BpfOp.Lsh64, 1, 8)
            .Register(BpfOp.Or64, 1, 2).Copy(0, 1).Exit(),
        found: 0);

    [Fact]
    public void Not_by_counts_that_do_not_fit() => AssertGives(
        (s_value << 8) | (s_value >> 55),
        Begin().Copy(2, 1).Number(BpfOp.Rsh64, 2, 55).Number(BpfOp.Lsh64, 1, 8).Register(BpfOp.Or64, 1, 2).Copy(0, 1).Exit(),
        found: 0);

    [Fact]
    public void Not_of_a_half_that_was_cut_off() => AssertGives(
        s_value << 8,
        Begin().Register(BpfOp.Mov32, 2, 1).Number(BpfOp.Rsh64, 2, 56).Number(BpfOp.Lsh64, 1, 8)
            .Register(BpfOp.Or64, 1, 2).Copy(0, 1).Exit(),
        found: 0);

    [Fact]
    public void Not_of_64_bits_when_the_result_is_cut_off() => AssertGives(
        (uint)ulong.RotateLeft(s_value, 8),
        Begin().Copy(2, 1).Number(BpfOp.Rsh64, 2, 56).Number(BpfOp.Lsh64, 1, 8).Register(BpfOp.Or32, 1, 2).Copy(0, 1).Exit(),
        found: 0);

    [Fact]
    public void Not_across_a_place_that_a_jump_goes_to() => AssertGives(
        ulong.RotateLeft(s_value, 8),
        Begin().Copy(2, 1).Number(BpfOp.Rsh64, 2, 56).If(BpfOp.Jeq64, 1, 5, "here").Label("here").Number(BpfOp.Lsh64, 1, 8)
            .Register(BpfOp.Or64, 1, 2).Copy(0, 1).Exit(),
        found: 0);

    [Fact]
    public void Registers_that_nothing_was_written_to_are_not_the_same() => AssertGives(
        8ul << 8,
        new Asm().Number(BpfOp.Rsh64, 1, 56).Number(BpfOp.Lsh64, 2, 8).Register(BpfOp.Or64, 2, 1)
            .Number(BpfOp.And64, 2, 0xff00).Copy(0, 2).Exit(),
        found: 0);

    private static Asm Begin() => new Asm().Constant(1, s_value).Move(3, 0);

    private static void AssertGives(ulong expected, Asm program, int found)
    {
        byte[] bytes = program.Bytes();
        BpfCode code = BpfDecoder.Decode(bytes);
        bool IsTarget(int at) => code.Operations.Any(each => each.Op.IsJump() && each.Offset == at);
        Assert.Equal(found, Rotations.Find(code, code.Operations, 0, IsTarget).Count);
        Assert.Equal(expected, Engines.Run(bytes, new byte[8]).Result);
    }
}
