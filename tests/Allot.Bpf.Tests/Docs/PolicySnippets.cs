namespace Allot.Bpf.Tests.Docs;

/// <summary>The code of the guide to policies.</summary>
public sealed class PolicySnippets
{
    private readonly MemoryController _controller = new();

    [Fact]
    public void Attaches_delegates()
    {
        MemoryGroup tenants = _controller.Root.CreateChild("tenants");
        var spare = new Spare();

        #region policy-delegates
        using IDisposable attached = tenants.Attach(new MemoryPolicy
        {
            Name = "tenants",
            OutOfMemory = notice => spare.TryDispose(),                       // true: room was made
            BelowLow = notice => notice.Group.Name.StartsWith("interactive", StringComparison.Ordinal),
            Charged = notice => notice.Bytes > 1 << 20 ? TimeSpan.FromMilliseconds(1) : TimeSpan.Zero,
        });
        #endregion

        tenants.Charge(MemoryKind.User, 1);
        Assert.Equal(0, tenants.ReadEvents().PolicyErrors);
    }

    [Fact]
    public void Attaches_a_program()
    {
        MemoryGroup host = _controller.Root.CreateChild("host"), tenants = _controller.Root.CreateChild("tenants");

        #region policy-program
        // r0 = the group uses less than 1 MiB: r2 = *(u64 *)(r1 + 32); r0 = 1; if r2 < 1 << 20 goto +1; r0 = 0; exit
        byte[] small = Convert.FromHexString("7912200000000000" + "b700000001000000" + "a502010000001000"
            + "b700000000000000" + "9500000000000000");
        using BpfProgram isSmall = BpfProgram.Load(host, small, new BpfProgramOptions
        {
            MemoryBytesMin = BpfPolicyContext.Bytes,
            Helpers = BpfPolicyHelpers.All,
        });
        using IDisposable protection = tenants.Attach(new BpfPolicy { BelowMin = isSmall });
        #endregion

        Assert.Equal(1ul, isSmall.Run(new byte[64]));
    }

    private sealed class Spare
    {
        public bool TryDispose() => false;
    }
}
