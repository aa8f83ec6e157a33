using System.Runtime.CompilerServices;

namespace Allot.Benchmarks.Runner;

/// <summary>Work that touches no memory: what it takes longer beside other work, no memory of that is the cause
/// of.</summary>
internal static class Registers
{
    /// <summary>Does it a number of times; each takes about as long as an allocation and its free.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static ulong Run(int count)
    {
        ulong a = 1, b = 2, c = 3, d = 4;
        for (int i = 0; i < count; i++)
        {
            // Four at a time, as most code has, and each after the last.
            a = (a * 6364136223846793005) + 1;
            b = (b * 6364136223846793005) + 3;
            c = (c ^ (c >> 7)) + 5;
            d = (d ^ (d << 9)) + 7;
            a = (a * 6364136223846793005) + 1;
            b = (b * 6364136223846793005) + 3;
            c = (c ^ (c >> 7)) + 5;
            d = (d ^ (d << 9)) + 7;
        }

        return a ^ b ^ c ^ d;
    }
}
