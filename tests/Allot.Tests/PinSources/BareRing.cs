using System.Runtime.InteropServices;

namespace Allot.Tests.PinSources;

/// <summary>A ring of the kernel that is switched off until a test switches it on, and may be kept from some of what it
/// does: so the kernel refuses what it would otherwise do.</summary>
internal static unsafe partial class BareRing
{
    public const int NotAllowedError = 13, SwitchedOffError = 77;

    private const uint SetupDisabled = 1 << 6;
    private const int RestrictOpcode = 11, EnableOpcode = 12;
    private const nint RegisterNumber = 427;

    public static RingQueues Open() => new(entries: 4, SetupDisabled);

    /// <summary>Lets it register buffers and nothing else, once it is switched on.</summary>
    public static void AllowRegisteringOnly(RingQueues ring)
    {
        var restriction = new Restriction { Kind = 0, What = RingCalls.RegisterBuffersOpcode };
        Assert.Equal(0, Register(RegisterNumber, ring.File, RestrictOpcode, &restriction, 1));
    }

    public static void SwitchOn(RingQueues ring) =>
        Assert.Equal(0, Register(RegisterNumber, ring.File, EnableOpcode, null, 0));

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint Register(nint number, nint ring, nint opcode, Restriction* restrictions, nint count);

    /// <summary>struct io_uring_restriction.</summary>
    private struct Restriction
    {
        public ushort Kind;
        public byte What;
        public byte Reserved;
        public fixed uint MoreReserved[3];
    }
}
