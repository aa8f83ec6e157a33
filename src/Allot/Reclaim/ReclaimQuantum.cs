namespace Allot;

/// <summary>How much more than it lacks a charge takes at least, so that not every charge reclaims: a 256th of the
/// limit, at most 32 pages.</summary>
internal static class ReclaimQuantum
{
    public const long BytesMax = 32 * 4096;

    private const int Shift = 8;

    public static long Of(long limitBytes) => Math.Min(limitBytes >> Shift, BytesMax);
}
