namespace Allot.Processes.Cgroups;

/// <summary>Where this process is in the hierarchy that has the memory controller, and which version that is.</summary>
internal sealed record CgroupHome(int Version, string Directory, string MountPoint, bool IsReadOnly)
{
    /// <summary>
    /// Version 1 when the memory controller is mounted as version 1 (a controller is in one hierarchy only), else
    /// version 2.
    /// </summary>
    /// <exception cref="CgroupUnavailableException">There is no memory controller, or our cgroup is not
    /// visible.</exception>
    internal static CgroupHome Find(ICgroupFiles files)
    {
        IReadOnlyList<CgroupMount> mounts = MountTable.Parse(files.Read("/proc/self/mountinfo") ?? "");
        OwnCgroups own = OwnCgroups.Parse(files.Read("/proc/self/cgroup") ?? "");
        CgroupMount[] version1 = [.. mounts.Where(mount => mount.HasMemoryVersion1)];
        if (version1.Length > 0) return Visible(version1, own.MemoryVersion1, files);
        if (own.MemoryVersion1 is not null) throw CgroupAdvice.Version1NotMounted();
        CgroupMount[] version2 = [.. mounts.Where(mount => mount.IsVersion2)];
        if (version2.Length == 0) throw CgroupAdvice.NothingMounted(files);
        CgroupHome home = Visible(version2, own.Unified, files);
        return CgroupWords.Contain(files.Read($"{home.MountPoint}/cgroup.controllers"), "memory")
            || CgroupWords.Contain(files.Read($"{home.Directory}/cgroup.controllers"), "memory")
                ? home
                : throw CgroupAdvice.NoMemoryController(home, files);
    }

    private static CgroupHome Visible(CgroupMount[] mounts, string? ownPath, ICgroupFiles files)
    {
        CgroupHome? found = null;
        foreach (CgroupMount mount in mounts)
        {
            if (ownPath is null || mount.DirectoryOf(ownPath) is not { } directory) continue;
            if (!files.Exists($"{directory}/cgroup.procs")) continue;
            if (found is { IsReadOnly: false }) break;
            if (found is null || !mount.IsReadOnly)
                found = new CgroupHome(mount.IsVersion2 ? 2 : 1, directory, mount.MountPoint, mount.IsReadOnly);
        }
        return found ?? throw CgroupAdvice.OwnCgroupNotVisible(mounts[0], ownPath);
    }
}
