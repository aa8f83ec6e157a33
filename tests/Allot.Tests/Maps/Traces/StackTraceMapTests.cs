using System.Runtime.CompilerServices;
using Allot.Maps;

namespace Allot.Tests.Maps.Traces;

/// <summary>Stack traces by number.</summary>
public sealed unsafe class StackTraceMapTests
{
    [Fact]
    public void The_same_trace_has_the_same_number()
    {
        using StackTraceMap map = Make(capacity: 100);
        int number = map.Keep([1, 2, 3]);
        Assert.InRange(number, 0, 127);
        Assert.Equal(number, map.Keep([1, 2, 3]));
        Assert.Equal(number, map.Keep([9, 1, 2, 3], flags: 1));
        Assert.Equal(1, map.Count);
        Span<ulong> frames = stackalloc ulong[10];
        Assert.True(map.TryGetTrace(number, frames, out int count));
        Assert.Equal([1, 2, 3], frames[..count].ToArray());
        Assert.False(map.TryGetTrace(number ^ 1, frames, out _));
    }

    [Fact]
    public void The_host_reads_frames_and_zeros_after_them()
    {
        using StackTraceMap map = Make(capacity: 100);
        int number = map.Keep([1, 2, 3]);
        ulong* value = stackalloc ulong[10];
        new Span<ulong>(value, 10).Fill(7);
        Assert.Equal(0, map.Read((byte*)&number, (byte*)value));
        Assert.Equal([1, 2, 3, 0, 0, 0, 0, 0, 0, 0], new Span<ulong>(value, 10).ToArray());
        int next;
        Assert.Equal(0, map.NextKey(null, (byte*)&next));
        Assert.Equal(number, next);
        Assert.Equal(MapErrors.NotFound, map.NextKey((byte*)&next, (byte*)&next));
        Assert.Equal(0, map.LookupAndDelete((byte*)&number, (byte*)value));
        Assert.Equal(MapErrors.NotFound, map.Remove((byte*)&number));
        Assert.Equal(0, map.Count);
    }

    [Fact]
    public void Build_ids_are_addresses_that_have_none()
    {
        using StackTraceMap map = Make(capacity: 4, valueBytes: 64, MapFlags.StackBuildId);
        Assert.Equal(2, map.FramesMax);
        int number = map.Keep([5, 6, 7]);
        byte* value = stackalloc byte[64];
        Assert.Equal(0, map.Read((byte*)&number, value));
        Assert.Equal(2, Unsafe.ReadUnaligned<int>(value));
        Assert.Equal(5UL, Unsafe.ReadUnaligned<ulong>(value + 24));
        Assert.Equal(6UL, Unsafe.ReadUnaligned<ulong>(value + 56));
    }

    [Fact]
    public void Another_trace_of_the_same_number_is_refused_or_takes_its_place()
    {
        using StackTraceMap map = Make(capacity: 4);
        int number = map.Keep([0]);
        ulong other = 1;
        while (map.Keep([other]) != MapErrors.Exists) other++;
        Span<ulong> frames = stackalloc ulong[10];
        Assert.True(map.Count <= 4);
        while (true)
        {
            int result = map.Keep([other], StackTraceMap.ReuseNumber);
            if (result == MapErrors.NoMemory)
            {
                // All elements are in use: one that is to be replaced is given back only afterwards.
                Assert.Equal(4, map.Count);
                Assert.Equal(0, map.Remove((byte*)&number));
                break;
            }

            Assert.True(map.TryGetTrace(result, frames, out int count));
            Assert.Equal([other], frames[..count].ToArray());
            other++;
        }
    }

    [Fact]
    public void What_cannot_be_kept_has_an_error()
    {
        using StackTraceMap map = Make(capacity: 4);
        Assert.Equal(MapErrors.Invalid, map.Keep([1], flags: 1 << 11));
        Assert.Equal(MapErrors.BadAddress, map.Keep([1, 2], flags: 2));
        Assert.Equal(MapErrors.BadAddress, map.Keep([]));
        Assert.Equal(0, map.Count);
    }

    private static StackTraceMap Make(int capacity, int valueBytes = 80, uint flags = 0) => new(
        new TreeOfThree().Leaf,
        new MapDefinition
        {
            Type = MapType.StackTrace,
            KeyBytes = 4,
            ValueBytes = valueBytes,
            Capacity = capacity,
            Flags = flags,
        });
}
