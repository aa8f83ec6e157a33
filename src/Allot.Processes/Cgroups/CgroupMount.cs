namespace Allot.Processes.Cgroups;

/// <summary>One place where a cgroup hierarchy is mounted.</summary>
/// <param name="MountPoint">The directory where it is seen.</param>
/// <param name="Root">The cgroup that is seen at the mount point; "/" when all of the hierarchy is.</param>
/// <param name="IsVersion2">Whether it is the unified hierarchy.</param>
/// <param name="Controllers">Version 1: the options that name its controllers, as "cpu,cpuacct"; else empty.</param>
/// <param name="IsReadOnly">Whether the mount refuses every write.</param>
internal sealed record CgroupMount(string MountPoint, string Root, bool IsVersion2, string Controllers, bool IsReadOnly)
{
    internal bool HasMemoryVersion1 => !IsVersion2 && Controllers.Split(',').Contains("memory");

    /// <summary>The directory of a cgroup under this mount, or null when the mount does not show that cgroup.</summary>
    /// <param name="cgroupPath">As /proc/PID/cgroup gives it.</param>
    /// <remarks>
    /// A bind mount or a container shows only a part: its root is then a cgroup below "/", and a cgroup outside of it
    /// has
    /// no directory here. "/.." in either path means "outside of our cgroup namespace", where names are unknown.
    /// </remarks>
    internal string? DirectoryOf(string cgroupPath)
    {
        if (IsOutsideNamespace(Root) || IsOutsideNamespace(cgroupPath)) return null;
        string root = Root.TrimEnd('/');
        if (cgroupPath != root && !cgroupPath.StartsWith(root + "/", StringComparison.Ordinal)) return null;
        string below = cgroupPath[root.Length..].TrimEnd('/');
        return MountPoint.TrimEnd('/') + below is { Length: > 0 } directory ? directory : "/";
    }

    private static bool IsOutsideNamespace(string path) =>
        path == "/.." || path.StartsWith("/../", StringComparison.Ordinal);
}
