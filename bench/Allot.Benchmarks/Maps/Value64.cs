using System.Runtime.CompilerServices;

namespace Allot.Benchmarks.Maps;

/// <summary>A value of 64 bytes.</summary>
internal struct Value64
{
    public long First;
    public Rest Others;

    [InlineArray(7)]
    internal struct Rest
    {
        private long _first;
    }
}
