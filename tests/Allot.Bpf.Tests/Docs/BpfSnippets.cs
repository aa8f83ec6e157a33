using Allot.Bpf.Tests.Support;
using Allot.Maps;

namespace Allot.Bpf.Tests.Docs;

/// <summary>The code of the guide to BPF programs.</summary>
public sealed class BpfSnippets
{
    private readonly MemoryGroup _acme = new MemoryController().Root.CreateChild("acme");

    [Fact]
    public void Runs_a_program()
    {
        MemoryGroup acme = _acme;

        #region bpf-run
        // r0 = *(u8 *)(r1 + 0); exit
        byte[] instructions = Convert.FromHexString("7110000000000000" + "9500000000000000");
        var options = new BpfProgramOptions { Name = "first byte", MemoryBytesMin = 1 };
        using (BpfProgram program = BpfProgram.Load(acme, instructions, options))
        {
            ulong result = program.Run([42, 0, 0]);                      // 42: r1 is the memory, r2 its length
            Console.WriteLine($"{result}, for {program.ChargedBytes} bytes of kernel memory of '{acme.Path}'");
        }
        #endregion

        Assert.Equal(0, acme.Memory.CurrentBytes);
    }

    [Fact]
    public void Refuses_a_program()
    {
        MemoryGroup acme = _acme;

        #region bpf-refused
        // r0 = *(u8 *)(r1 + 8); exit
        byte[] unsafeProgram = Convert.FromHexString("7110080000000000" + "9500000000000000");
        try
        {
            BpfProgram.Load(acme, unsafeProgram, new BpfProgramOptions { MemoryBytesMin = 8 });
        }
        catch (BpfRefusedException refused)
        {
            Console.WriteLine(refused.Message);   // instruction 0 (r0 = *(u8 *)(r1 + 8)), r1: reads 1 bytes at 8 of ...
        }
        #endregion

        Assert.Equal(0, acme.Memory.CurrentBytes);
    }

    [Fact]
    public void Runs_an_object()
    {
        MemoryGroup acme = _acme;

        byte[] bytes = Clang.Compile("count");
        byte[] memory = new byte[16];

        #region bpf-object
        BpfObject read = BpfObject.Read(bytes);
        IReadOnlyList<GroupMap> maps = read.CreateMaps(acme);              // charged to 'acme', from the first byte on
        var withMaps = new BpfProgramOptions { Maps = maps, MemoryBytesMin = memory.Length };
        using (BpfProgram program = BpfProgram.Load(acme, read.Find("prog/count").Instructions.Span, withMaps))
        {
            Console.WriteLine(program.Run(memory));
        }

        foreach (GroupMap map in maps) map.Dispose();
        #endregion

        Assert.Equal(0, acme.Memory.CurrentBytes);
    }

    [Fact]
    public void Has_a_helper()
    {
        MemoryGroup acme = _acme;

        #region bpf-helper
        var discount = new BpfHelper(1000, "discount", (execution, bytes, length, percent, r4, r5) =>
            execution.TryReadMemory(bytes, (int)length, out ReadOnlySpan<byte> order) ? (ulong)order[0] * percent / 100 : 0)
        {
            Arguments = [BpfArgument.MemoryToRead, BpfArgument.Bytes, BpfArgument.Number],
        };
        var withHelper = new BpfProgramOptions { Helpers = [discount] };
        #endregion

        withHelper.MemoryBytesMin = 1;
        byte[] code = new Asm().Move(2, 1).Move(3, 25).Call(1000).Exit().Bytes();
        using BpfProgram program = BpfProgram.Load(acme, code, withHelper);
        Assert.Equal(50ul, program.Run([200]));
    }
}
