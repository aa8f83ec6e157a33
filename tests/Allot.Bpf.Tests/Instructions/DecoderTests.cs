using Allot.Bpf.Tests.Support;

namespace Allot.Bpf.Tests.Instructions;

/// <summary>What is malformed is refused, with the instruction and the reason; what the table has is decoded.</summary>
public sealed class DecoderTests
{
    public static TheoryData<string> Forms =>
        [.. InstructionForm.All.Select((form, index) => $"{index}: {form.Op} 0x{form.Opcode:x2}")];

    [Theory, MemberData(nameof(Forms))]
    public void A_field_that_a_form_does_not_use_must_have_its_value(string name)
    {
        InstructionForm form = FormOf(name);
        Assert.Null(TryDecode(form, static one => one));
        if ((form.Free & Fields.Destination) == 0) AssertRefused(form, one => one with { Destination = 3 });
        if ((form.Free & Fields.Source) == 0) AssertRefused(form, one => one with { Source = 9 });
        if ((form.Free & Fields.Offset) == 0) AssertRefused(form, one => one with { Offset = 5 });
        if ((form.Free & Fields.Immediate) == 0) AssertRefused(form, one => one with { Immediate = 0x77 });
    }

    [Theory, MemberData(nameof(Forms))]
    public void A_register_above_10_does_not_exist(string name)
    {
        InstructionForm form = FormOf(name);
        AssertRefused(form, one => one with { Destination = 11 });
        AssertRefused(form, one => one with { Source = 11 });
    }

    [Fact]
    public void Every_opcode_without_a_form_is_refused()
    {
        for (int opcode = 0; opcode < 256; opcode++)
        {
            if (!InstructionForm.Of((byte)opcode).IsEmpty) continue;
            byte[] program = new Asm().Raw((byte)opcode).Exit().Bytes();
            Assert.Throws<BpfRefusedException>(() => BpfDecoder.Decode(program));
        }
    }

    [Theory]
    [InlineData("", "a program has 1 to 1000000 instructions; this one has 0")]
    [InlineData("95 00 00", "a program is made of instructions of 8 bytes; this one has 3 bytes")]
    [InlineData("b700000001000000", "instruction 0 (r0 = 1): is the last of its function, which must end with an exit or a jump")]
    [InlineData("0500010000000000 9500000000000000", "instruction 0 (goto + 1): goes to instruction 2, of 2 that there are")]
    [InlineData("0500feff00000000 9500000000000000", "instruction 0 (goto - 2): goes to instruction -1, of 2 that there are")]
    [InlineData("0600000000000080 9500000000000000", "instruction 0 (goto - 2147483648): goes to instruction -2147483647, of 2 that there are")]
    [InlineData("0500010000000000 1800000001000000 0000000000000000 9500000000000000", "instruction 0 (goto + 1): goes to instruction 2, the second half of a constant")]
    [InlineData("1800000001000000", "instruction 0 (18 00 00 00 01 00 00 00): the second half of the 64-bit constant is missing")]
    [InlineData("1800000001000000 9500000000000000", "instruction 0 (r0 = 0x1 ll): the second half of the 64-bit constant has more than an immediate")]
    [InlineData("b70a000001000000 9500000000000000", "instruction 0 (r10 = 1), r10: r10 is the frame pointer, and read-only")]
    [InlineData("8d0000000b000000 9500000000000000", "instruction 0 (callx r11): register 11 does not exist: they are 0 to 10")]
    [InlineData("8d000000ffffffff 9500000000000000", "instruction 0 (callx r-1): register -1 does not exist: they are 0 to 10")]
    [InlineData("8d02000001000000 9500000000000000", "instruction 0 (8d 02 00 00 01 00 00 00): the field 'immediate' of opcode 0x8d has no such variant; without one it is 0")]
    [InlineData("8520000001000000 9500000000000000", "instruction 0 (85 20 00 00 01 00 00 00): calls of kernel functions by their BTF id are not supported")]
    [InlineData("2800000001000000 9500000000000000", "instruction 0 (28 00 00 00 01 00 00 00): the historical access to packets (ABS, IND) is not supported: load from an address")]
    [InlineData("0410000001000000 9500000000000000", "instruction 0 (04 10 00 00 01 00 00 00): the field 'source' of opcode 0x04 must be 0")]
    [InlineData("ff00000000000000 9500000000000000", "instruction 0 (ff 00 00 00 00 00 00 00): opcode 0xff does not exist")]
    [InlineData("db100000ff000000 9500000000000000", "instruction 0 (db 10 00 00 ff 00 00 00): the field 'immediate' of opcode 0xdb has no such variant; without one it is 0")]
    [InlineData("7b0af7fd00000000 9500000000000000", "instruction 0 (*(u64 *)(r10 - 521) = r0), r10: writes 8 bytes at -521 of the stack, which goes from -512 to 0")]
    [InlineData("61a0fdff00000000 9500000000000000", "instruction 0 (r0 = *(u32 *)(r10 - 3)), r10: reads 4 bytes at -3 of the stack, which goes from -512 to 0")]
    public void Says_what_is_wrong_and_where(string hex, string message)
    {
        byte[] program = Convert.FromHexString(hex.Replace(" ", ""));
        Assert.Equal(message, Assert.Throws<BpfRefusedException>(() => BpfDecoder.Decode(program)).Message);
    }

    [Fact]
    public void A_jump_into_another_function_is_refused()
    {
        byte[] program = new Asm().CallLocal("function").Jump("inside").Label("function").Move(0, 1).Label("inside").Exit().Bytes();
        BpfRefusal refusal = Assert.Throws<BpfRefusedException>(() => BpfDecoder.Decode(program)).Refusal;
        Assert.Equal(1, refusal.Instruction);
        Assert.Equal("jumps to instruction 3, inside of another function", refusal.Reason);
    }

    [Fact]
    public void A_jump_can_go_further_than_an_offset_reaches()
    {
        var program = new Asm().Raw(0x06, immediate: 40_000);
        for (int index = 0; index < 40_000; index++) program.Move(0, 1);
        byte[] bytes = program.Move(0, 5).Exit().Bytes();
        Assert.Equal(5ul, Engines.Run(bytes).Result);
    }

    [Fact]
    public void All_of_the_stack_can_be_used_and_nothing_next_to_it()
    {
        foreach (InstructionForm form in InstructionForm.All.Where(each => each.Op.AccessBytes() > 0))
        {
            int bytes = form.Op.AccessBytes();
            Assert.Null(TryDecode(form, one => AtStack(one, -512)));
            Assert.Null(TryDecode(form, one => AtStack(one, -bytes)));
            AssertRefused(form, one => AtStack(one, -513));
            AssertRefused(form, one => AtStack(one, 1 - bytes));
            AssertRefused(form, one => AtStack(one, 32_767));
            AssertRefused(form, one => AtStack(one, -32_768));
        }

        static BpfInstruction AtStack(BpfInstruction one, int offset) => (one.Opcode & 7) == 1 || one.Immediate == 0x100
            ? one with { Source = 10, Offset = (short)offset }
            : one with { Destination = 10, Offset = (short)offset };
    }

    private static InstructionForm FormOf(string name) =>
        InstructionForm.All.ElementAt(int.Parse(name.Split(':')[0], System.Globalization.CultureInfo.InvariantCulture));

    private static void AssertRefused(InstructionForm form, Func<BpfInstruction, BpfInstruction> change)
    {
        // A change may make another instruction of the same opcode, as an offset of 8 makes a move extend the sign; none
        // of those here does.
        BpfRefusedException? refused = TryDecode(form, change);
        Assert.NotNull(refused);
        Assert.Equal(1, refused.Refusal.Instruction);
    }

    private static BpfRefusedException? TryDecode(InstructionForm form, Func<BpfInstruction, BpfInstruction> change)
    {
        int immediate = form.Op switch
        {
            BpfOp.CallLocal => 1,
            BpfOp.LoadFunction => 2,
            BpfOp.CallRegister when (form.Free & Fields.Immediate) != 0 => 6,
            _ => form.Immediate,
        };
        var sample = new BpfInstruction(form.Opcode, 0, form.Source, form.Offset, immediate);
        BpfInstruction one = change(sample);
        var program = new Asm().Move(0, 0).Raw(one.Opcode, one.Destination, one.Source, one.Offset, one.Immediate);
        if (form.Op.IsConstant()) program.Raw(0);
        return Record.Exception(() => BpfDecoder.Decode(program.Exit().Exit().Bytes())) as BpfRefusedException;
    }
}
