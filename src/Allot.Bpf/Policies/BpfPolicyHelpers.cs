using Allot.Maps;

namespace Allot.Bpf;

/// <summary>The helpers of programs that are policies. They see the group that the policy is attached to, and the
/// groups below it; of any other, and of one that is gone, they return -1.</summary>
public static class BpfPolicyHelpers
{
    private const ulong Failed = ulong.MaxValue;   // -1

    /// <summary>
    /// <para>1001 <c>long group_read(group, what)</c>: 0 bytes in use, 1 the limit, 2 the high limit, 3 low and 4 min
    /// protection, 5 the peak, 6 kernel memory in use, 7 pins, 8 the number of the group above.</para>
    /// <para>1002 <c>long group_reclaim(group, bytes)</c>: asks the reclaimers below the group, and returns what was
    /// really given back. Only at <see cref="PolicyPoint.OutOfMemory"/>.</para>
    /// <para>1003 <c>long group_kill(group)</c>: kills the group and all below it; 0 when done. Only at
    /// <see cref="PolicyPoint.OutOfMemory"/>.</para>
    /// </summary>
    public static IReadOnlyList<BpfHelper> All { get; } =
    [
        new(1001, "group_read", Read) { Arguments = [BpfArgument.Number, BpfArgument.Number] },
        new(1002, "group_reclaim", Reclaim) { Arguments = [BpfArgument.Number, BpfArgument.Number] },
        new(1003, "group_kill", Kill) { Arguments = [BpfArgument.Number] },
    ];

    private static ulong Read(BpfExecution execution, ulong number, ulong what, ulong r3, ulong r4, ulong r5)
    {
        if (Find(execution, number) is not { } group) return Failed;
        return what switch
        {
            0 => (ulong)group.Memory.CurrentBytes,
            1 => (ulong)group.Memory.MaxBytes,
            2 => (ulong)group.HighBytes,
            3 => (ulong)group.LowBytes,
            4 => (ulong)group.MinBytes,
            5 => (ulong)group.Memory.PeakBytes,
            6 => (ulong)group.Kernel.CurrentBytes,
            7 => (ulong)group.Pins.CurrentBytes,
            8 => group.Parent is { } parent && Sees(execution, parent) ? MapHandles.Of(parent) : Failed,
            _ => Failed,
        };
    }

    private static ulong Reclaim(BpfExecution execution, ulong number, ulong bytes, ulong r3, ulong r4, ulong r5)
    {
        if (!MayAct(execution) || Find(execution, number) is not { } group || bytes > long.MaxValue) return Failed;
        return (ulong)group.Reclaim((long)bytes);
    }

    private static ulong Kill(BpfExecution execution, ulong number, ulong r2, ulong r3, ulong r4, ulong r5)
    {
        if (!MayAct(execution) || Find(execution, number) is not { Parent: not null } group) return Failed;
        group.Kill($"out of memory, and a program of '{((BpfPolicyCall)execution.State!).Group.Path}' chose it");
        return 0;
    }

    private static bool MayAct(BpfExecution execution) =>
        execution.State is BpfPolicyCall { Notice.Point: PolicyPoint.OutOfMemory };

    private static MemoryGroup? Find(BpfExecution execution, ulong number)
    {
        if (number > uint.MaxValue || !MapHandles.TryFind((uint)number, out MemoryGroup? group)) return null;
        return Sees(execution, group) ? group : null;
    }

    private static bool Sees(BpfExecution execution, MemoryGroup group)
    {
        if (execution.State is not BpfPolicyCall call) return false;
        MemoryGroup? level = group;
        while (level is not null && level != call.Group) level = level.Parent;
        return level is not null;
    }
}
