// A charge that follows a number measured elsewhere: what the kernel shows, and what calls may still add to it. The
// number is given as it is; the group is charged or uncharged by the difference.

using System.Diagnostics;
using System.Runtime.CompilerServices;
using Allot.Processes.Native;

namespace Allot.Processes.Supervision;

/// <summary>One part of what a group is charged. Not thread-safe.</summary>
internal sealed class MirroredCharge
{
    private readonly Func<long, bool> _tryCharge;
    private readonly Action<long> _forceCharge;
    private readonly Action<long> _uncharge;

    /// <summary>Follows user or kernel memory.</summary>
    public MirroredCharge(MemoryGroup group, MemoryKind kind)
    {
        _tryCharge = bytes => group.TryCharge(kind, bytes, out _);
        _forceCharge = bytes => group.ForceCharge(kind, bytes);
        _uncharge = bytes => group.Uncharge(kind, bytes);
    }

    /// <summary>Follows locked or pinned memory.</summary>
    public MirroredCharge(MemoryGroup group, PinKind kind)
    {
        _tryCharge = bytes => group.TryPin(kind, bytes, out _);
        _forceCharge = bytes => group.ForcePin(kind, bytes);
        _uncharge = bytes => group.Unpin(kind, bytes);
    }

    /// <summary>What the group is charged here.</summary>
    public long Bytes { get; private set; }

    /// <summary>Adds what fits below every limit; false, and nothing, when it does not.</summary>
    [MethodImpl(AnsweringPath.Method)]
    public bool TryAdd(long bytes)
    {
        if (!_tryCharge(bytes)) return false;
        Bytes += bytes;
        return true;
    }

    /// <summary>Charges this much from here on, whether it fits or not: it is in use already.</summary>
    public void Set(long bytes)
    {
        Debug.Assert(bytes >= 0, "Nobody holds less than nothing.");
        for (; Bytes < bytes; Bytes += Step(bytes - Bytes)) _forceCharge(Step(bytes - Bytes));
        for (; Bytes > bytes; Bytes -= Step(Bytes - bytes)) _uncharge(Step(Bytes - bytes));
    }

    // Several calls may each have been charged the most that one charge can be, and all be over at once.
    private static long Step(long change) => Math.Min(change, MemoryGroup.MaxChargeBytes);
}
