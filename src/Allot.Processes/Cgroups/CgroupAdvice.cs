// What a user reads when there is no memory cgroup to be had: first what is missing, then how to get it. Each sentence
// is for one situation that exists in the field; a general "permission denied" helps nobody.

using Allot.Processes.Native;

namespace Allot.Processes.Cgroups;

internal static class CgroupAdvice
{
    private const string Start = "No memory cgroup can be made: ";
    private const string ScopeAsUser = "systemd-run --user --scope -p Delegate=yes -- allot run ...";
    private const string ScopeAsRoot = "systemd-run --scope -p Delegate=yes -- allot run ...";

    internal static CgroupUnavailableException NothingMounted(ICgroupFiles files) => new(Start +
        "no cgroup file system is mounted here. " + (files.IsRoot
            ? "Mount it: mount -t cgroup2 none /sys/fs/cgroup"
            : "Ask root to mount it: mount -t cgroup2 none /sys/fs/cgroup"));

    internal static CgroupUnavailableException Version1NotMounted() => new(Start +
        "the memory controller belongs to a version 1 hierarchy that is not mounted here. As root: " +
        "mkdir -p /sys/fs/cgroup/memory && mount -t cgroup -o memory none /sys/fs/cgroup/memory");

    internal static CgroupUnavailableException NoMemoryController(CgroupHome home, ICgroupFiles files)
    {
        string? line = (files.Read("/proc/cgroups") ?? "").Split('\n')
            .FirstOrDefault(line => line.StartsWith("memory\t", StringComparison.Ordinal));
        string why = line is null
            ? "the kernel has no memory controller for the hierarchy at '" + home.MountPoint +
              "'. It needs a kernel that is built with CONFIG_MEMCG."
            : line.TrimEnd().EndsWith('0')
                ? "the memory controller is switched off. Start the kernel with cgroup_enable=memory, and without " +
                  "cgroup_disable=memory."
                : $"'{home.MountPoint}/cgroup.controllers' does not list memory: it was not given to this container, " +
                  "or a version 1 hierarchy holds it. Run outside of the container, or mount that hierarchy.";
        return new(Start + why);
    }

    internal static CgroupUnavailableException OwnCgroupNotVisible(CgroupMount mount, string? ownPath) => new(Start +
        $"our own cgroup '{ownPath ?? "(none)"}' is not visible under '{mount.MountPoint}', " +
        $"which shows '{mount.Root}'. " +
        "In a container, start it with a cgroup namespace of its own and a writable cgroup mount.");

    internal static CgroupUnavailableException NoKernelMemoryCounter(CgroupHome home, bool disabledAtBoot) => new(
        Start +
        (disabledAtBoot
            ? "the kernel was started with cgroup.memory=nokmem, so it does not count kernel memory. Start it without."
            : home.Version == 2
                ? "memory.stat has no line 'kernel'. Kernel memory needs Linux 5.18 or later."
                : "memory.kmem.usage_in_bytes does not exist: the kernel does not count kernel memory."));

    /// <summary>Making the directory was refused.</summary>
    internal static CgroupUnavailableException MakeRefused(
        CgroupHome home, string path, int errno, ICgroupFiles files) =>
        new(Start + Refusal(home, path, errno, files) + " " + Way(home, errno, files));

    /// <summary>Every place where version 2 would let us make a group was refused.</summary>
    internal static CgroupUnavailableException NoPlace(
        CgroupHome home, List<string> refusals, int lastErrno, ICgroupFiles files) =>
        new(Start + string.Join(" ", refusals) + " " + Way(home, lastErrno, files));

    internal static string Refusal(CgroupHome home, string path, int errno, ICgroupFiles files) =>
        home.IsReadOnly || errno == Errno.EROFS
            ? $"the cgroup file system at '{home.MountPoint}' is mounted read-only, so '{path}' cannot be made."
            : $"'{path}' cannot be made: {files.Message(errno)}.";

    private static string Way(CgroupHome home, int errno, ICgroupFiles files)
    {
        if (home.IsReadOnly || errno == Errno.EROFS)
            return "In a container, start it with a writable cgroup mount (with Docker: --privileged, or " +
                "--security-opt writable-cgroups=true).";
        if (home.Version == 1)
            return files.IsRoot
                ? "Root was refused too: look for a limit on the number of cgroups, or a security module."
                : "Run as root: version 1 of cgroups cannot be delegated safely to a user.";
        return files.IsRoot
            ? $"Start Allot in a cgroup of its own: {ScopeAsRoot}"
            : $"Run as root, or start Allot in a cgroup of your own: {ScopeAsUser}";
    }
}
