// What a write to the two version 1 files starts anew: in version 1 for everybody who reads them, not for one handle.
// So it is kept per group, and only for groups in which it was asked for. It goes with the group.

using System.Runtime.CompilerServices;

namespace Allot;

internal sealed class KernelFileState
{
    private static readonly ConditionalWeakTable<MemoryGroup, KernelFileState> s_states = [];

    private readonly Lock _lock = new();
    private PeakReader? _peak;
    private long _failuresBefore;

    /// <summary>The most kernel memory in use since the file was reset, or ever.</summary>
    public static long PeakBytes(MemoryGroup group)
    {
        long ever = group.KernelIfAny?.PeakBytes ?? 0;
        if (!s_states.TryGetValue(group, out KernelFileState? state)) return ever;
        lock (state._lock) return state._peak?.PeakBytes ?? ever;
    }

    /// <summary>Charges that the group's limit of kernel memory refused since the file was reset, or ever.</summary>
    public static long Failures(MemoryGroup group)
    {
        long failures = group.ReadLocalEvents().KernelMax;
        return s_states.TryGetValue(group, out KernelFileState? state)
            ? Math.Max(0, failures - Volatile.Read(ref state._failuresBefore))
            : failures;
    }

    // A reader of its own, so that no other peak of the counter is disturbed. It is never disposed: it goes with the
    // counter, which goes with the group.
    public static void ResetPeak(MemoryGroup group)
    {
        KernelFileState state = s_states.GetOrCreateValue(group);
        lock (state._lock)
        {
            state._peak ??= group.Kernel.OpenPeak();
            state._peak.Reset();
        }
    }

    public static void ResetFailures(MemoryGroup group) =>
        Volatile.Write(ref s_states.GetOrCreateValue(group)._failuresBefore, group.ReadLocalEvents().KernelMax);
}
