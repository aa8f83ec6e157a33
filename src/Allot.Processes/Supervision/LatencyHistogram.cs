// Times in buckets that grow with the time: 16 per power of two, so a percentile is right to about 4 percent, in a
// fixed 8 KiB whatever is recorded. The idea is that of HdrHistogram (G. Tene); the layout is the simplest that serves.

using System.Numerics;
using System.Runtime.CompilerServices;
using Allot.Processes.Native;

namespace Allot.Processes.Supervision;

/// <summary>A distribution of times in nanoseconds. Not thread-safe; recording allocates nothing.</summary>
internal sealed class LatencyHistogram
{
    private const int SubBucketBits = 4;
    private const int SubBuckets = 1 << SubBucketBits;

    private readonly long[] _counts = new long[64 * SubBuckets];

    public long Count { get; private set; }

    [MethodImpl(AnsweringPath.Method)]
    public void Record(long nanoseconds)
    {
        _counts[IndexOf(Math.Max(0, nanoseconds))]++;
        Count++;
    }

    /// <summary>The time that the given share of all recorded times does not pass; 0 when nothing was
    /// recorded.</summary>
    /// <param name="share">Above 0, at most 1.</param>
    public double PercentileMicroseconds(double share)
    {
        long wanted = (long)Math.Ceiling(Count * share);
        long passed = 0;
        for (int i = 0; i < _counts.Length && wanted > 0; i++)
        {
            passed += _counts[i];
            if (passed >= wanted) return MiddleOf(i) / 1000.0;
        }

        return 0;
    }

    private static int IndexOf(long value)
    {
        if (value < SubBuckets) return (int)value;
        int power = BitOperations.Log2((ulong)value);
        int sub = (int)(value >> (power - SubBucketBits)) & (SubBuckets - 1);
        return ((power - SubBucketBits + 1) * SubBuckets) + sub;
    }

    private static double MiddleOf(int index)
    {
        if (index < SubBuckets) return index;
        int shift = (index / SubBuckets) - 1;
        long low = (long)(SubBuckets + (index % SubBuckets)) << shift;
        return low + ((1L << shift) / 2.0);
    }
}
