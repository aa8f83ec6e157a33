using System.Runtime.InteropServices;
using Allot.Maps;

namespace Allot.Bpf;

/// <summary>The memory of a program that is a policy: 64 bytes, in the byte order of the machine.</summary>
/// <remarks>
/// <code>
/// struct allot_policy {
///     unsigned int point;                 //  0  PolicyPoint
///     unsigned int counter;               //  4  CounterKind: 0 memory, 1 kernel memory
///     unsigned long long group;           //  8  number of the group that it is about
///     unsigned long long requester;       // 16  number of the group that was charged, or is reclaimed for
///     long long bytes;                    // 24
///     long long current_bytes;            // 32
///     long long limit_bytes;              // 40  the largest number for no limit
///     long long delay_ns;                 // 48  only of OverHigh
///     unsigned long long attached;        // 56  number of the group that the policy is attached to
/// };
/// </code>
/// The fields are those of <see cref="PolicyNotice"/>. What a program writes there is lost.
/// </remarks>
public static class BpfPolicyContext
{
    /// <summary>Its size; what programs of policies are loaded with as
    /// <see cref="BpfProgramOptions.MemoryBytesMin"/>.</summary>
    public const int Bytes = 64;

    /// <summary>The number that programs know a group by. It is never given to another group of the process.</summary>
    /// <param name="group">The group.</param>
    /// <returns>A number above 0.</returns>
    public static ulong NumberOf(MemoryGroup group)
    {
        ArgumentNullException.ThrowIfNull(group);
        return MapHandles.Of(group);
    }

    internal static void Write(Span<byte> context, BpfPolicyCall call)
    {
        PolicyNotice notice = call.Notice;
        Span<ulong> fields = MemoryMarshal.Cast<byte, ulong>(context);
        MemoryMarshal.Write(context, (uint)notice.Point);
        MemoryMarshal.Write(context[4..], (uint)notice.Counter);
        fields[1] = MapHandles.Of(notice.Group);
        fields[2] = MapHandles.Of(notice.Requester);
        fields[3] = (ulong)notice.Bytes;
        fields[4] = (ulong)notice.CurrentBytes;
        fields[5] = (ulong)notice.LimitBytes;
        long ticks = long.Min(notice.Delay.Ticks, long.MaxValue / TimeSpan.NanosecondsPerTick);
        fields[6] = (ulong)(ticks * TimeSpan.NanosecondsPerTick);
        fields[7] = MapHandles.Of(call.Group);
    }
}
