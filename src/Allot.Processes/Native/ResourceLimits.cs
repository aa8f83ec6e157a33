namespace Allot.Processes.Native;

/// <summary>The resource limits of other processes.</summary>
internal static unsafe class ResourceLimits
{
    /// <summary>Reads a hard limit in the resource's own unit. False when the process is gone or not ours to
    /// ask.</summary>
    public static bool TryReadHard(int pid, int resource, out ulong hard)
    {
        LibC.ResourceLimit limit;
        bool read = LibC.PrLimit(pid, resource, null, &limit) == 0;
        hard = read ? limit.Hard : 0;
        return read;
    }
}
