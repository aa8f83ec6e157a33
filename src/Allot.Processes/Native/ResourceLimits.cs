namespace Allot.Processes.Native;

/// <summary>The resource limits of other processes.</summary>
internal static unsafe class ResourceLimits
{
    /// <summary>Reads a soft limit in the resource's own unit. False when the process is gone or not ours to
    /// ask.</summary>
    public static bool TryRead(int pid, int resource, out ulong soft)
    {
        LibC.ResourceLimit limit;
        bool read = LibC.PrLimit(pid, resource, null, &limit) == 0;
        soft = read ? limit.Soft : 0;
        return read;
    }
}
