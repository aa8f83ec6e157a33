using Allot.Bpf.Tests.Support;

namespace Allot.Bpf.Tests.Elf;

/// <summary>Objects that no compiler makes, but assemblers and others do.</summary>
public sealed class TinyElfTests
{
    [Fact]
    public void A_call_can_go_inside_of_what_has_one_name()
    {
        byte[] code = new Asm().Move(1, 30).CallLocal("twice").Number(BpfOp.Add64, 0, 1).Exit()
            .Label("twice").Copy(0, 1).Register(BpfOp.Add64, 0, 1).Exit().Bytes();
        BpfObject read = BpfObject.Read(TinyElf.Make(code));
        Assert.Equal("main", read.Programs[0].Name);
        Assert.Equal(code, read.Programs[0].Instructions.ToArray());
        Assert.Equal(61ul, Engines.Run(read.Find().Instructions.ToArray()).Result);
    }

    [Fact]
    public void A_call_of_itself_by_name_is_followed()
    {
        byte[] code = new Asm().Move(0, 1).Raw(0x85, source: 1, immediate: -1).Exit().Bytes();
        byte[] linked = BpfObject.Read(TinyElf.Make(code, callAt: 8)).Find().Instructions.ToArray();
        Assert.Equal(-2, BpfInstruction.Read(linked.AsSpan(8)).Immediate);
    }

    [Fact]
    public void A_function_in_a_section_that_is_not_there_is_refused()
    {
        byte[] code = new Asm().Move(0, 1).Raw(0x85, source: 1, immediate: -1).Exit().Bytes();
        byte[] damaged = TinyElf.Make(code, callAt: 8, otherSection: 1234);
        BpfRefusedException refused = Assert.Throws<BpfRefusedException>(() => BpfObject.Read(damaged));
        Assert.Equal("the function 'other' is in a section that is not there", refused.Message);
    }
}
