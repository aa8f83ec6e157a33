using Allot.Bpf.Tests.Support;

namespace Allot.Bpf.Tests.Issues;

/// <summary>An address to which any number was added can be 0. The verifier holds that for impossible, and does not
/// look at what follows: an access far outside of the memory. Linux refuses such a sum.</summary>
public sealed class AddressThatIsZeroTests
{
    [Fact]
    public unsafe void What_follows_from_an_address_that_is_0_is_verified()
    {
        byte[] program = new Asm().Copy(6, 1).Move(0, 0).Register(BpfOp.Load64, 3, 6)
            .Register(BpfOp.Add64, 6, 3).If(BpfOp.Jne64, 6, 0, "end").Register(BpfOp.Load64, 0, 1, 4000)
            .Label("end").Exit().Bytes();
        ulong* memory = stackalloc ulong[1];
        *memory = 0 - (ulong)memory;
        BpfFault fault = default;
        try
        {
            using BpfProgram loaded = BpfProgram.Load(
                new MemoryController().Root, program, new BpfProgramOptions { MemoryBytesMin = sizeof(ulong) });
            loaded.TryRun(new Span<byte>(memory, sizeof(ulong)), out _, out fault);
        }
        catch (BpfRefusedException)
        {
        }

        Assert.Equal(BpfFaultKind.None, fault.Kind);
    }
}
