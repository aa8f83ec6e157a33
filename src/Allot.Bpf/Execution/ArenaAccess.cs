namespace Allot.Bpf;

/// <summary>How an access in an arena is written: its operation is in the upper half of the offset.</summary>
internal static class ArenaAccess
{
    public static int Pack(BpfOp op, int offset) => ((int)op << 16) | (offset & 0xffff);

    public static BpfOp OpOf(int packed) => (BpfOp)(packed >> 16);

    public static int OffsetOf(int packed) => (short)packed;
}
