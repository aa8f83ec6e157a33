using System.Runtime.CompilerServices;

namespace Allot.Maps;

/// <summary>Where values of an element are copied to, one behind the other; nowhere, by default.</summary>
internal readonly unsafe struct ValueCopy(byte* to, long bytes)
{
    public byte* To { get; } = to;

    /// <summary>What is copied of each.</summary>
    public long Bytes { get; } = bytes;

    /// <summary>The processor whose value comes first; 0 where there is one for all.</summary>
    public int First { get; init; }

    public int Count { get; init; } = 1;

    /// <summary>Copies.</summary>
    /// <param name="value">That of the first processor of all.</param>
    /// <param name="processorBytes">From each to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void From(byte* value, long processorBytes)
    {
        value += First * processorBytes;
        for (int i = 0; i < Count; i++)
        {
            Unsafe.CopyBlockUnaligned(To + (i * Bytes), value + (i * processorBytes), (uint)Bytes);
        }
    }
}
