using Allot.Processes.Cgroups;

namespace Allot.Processes.Tests.Cgroups;

public sealed class MountTableTests
{
    [Fact]
    public void Systemd_host_with_version_2()
    {
        CgroupMount mount = Assert.Single(MountTable.Parse("""
            22 28 0:20 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
            28 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw,errors=remount-ro
            35 22 0:30 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot

            """));
        Assert.Equal(new CgroupMount("/sys/fs/cgroup", "/", true, "", false), mount);
        Assert.False(mount.HasMemoryVersion1);
    }

    [Fact]
    public void Hybrid_host_has_both_versions()
    {
        IReadOnlyList<CgroupMount> mounts = MountTable.Parse("""
            30 22 0:26 / /sys/fs/cgroup ro,nosuid,nodev,noexec shared:9 - tmpfs tmpfs ro,mode=755
            31 30 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:10 - cgroup2 cgroup2 rw,nsdelegate
            32 30 0:28 / /sys/fs/cgroup/systemd rw,nosuid shared:11 - cgroup cgroup rw,xattr,name=systemd
            36 30 0:32 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:15 - cgroup cgroup rw,cpu,cpuacct
            38 30 0:34 / /sys/fs/cgroup/memory rw,nosuid shared:17 - cgroup cgroup rw,memory
            """);
        Assert.Equal(4, mounts.Count);
        CgroupMount memory = Assert.Single(mounts, mount => mount.HasMemoryVersion1);
        Assert.Equal("/sys/fs/cgroup/memory", memory.MountPoint);
        Assert.Equal("/sys/fs/cgroup/unified", Assert.Single(mounts, mount => mount.IsVersion2).MountPoint);
    }

    [Fact]
    public void No_optional_field_and_no_cgroup()
    {
        Assert.Empty(MountTable.Parse(""));
        Assert.Empty(MountTable.Parse("28 1 259:2 / / rw,relatime - ext4 /dev/sda rw\n"));
        Assert.Single(MountTable.Parse("38 30 0:34 / /cg rw - cgroup cgroup rw,memory\n"));
    }

    [Fact]
    public void Two_optional_fields_and_a_source_named_hyphen()
    {
        CgroupMount mount = Assert.Single(MountTable.Parse("38 30 0:34 / /cg rw shared:3 master:4 - cgroup - rw,memory"));
        Assert.True(mount.HasMemoryVersion1);
    }

    [Fact]
    public void Octal_escapes_are_bytes()
    {
        CgroupMount mount = Assert.Single(MountTable.Parse(
            @"38 30 0:34 /a\040b /mnt/c\134d\303\251\011 rw - cgroup2 none rw"));
        Assert.Equal("/a b", mount.Root);
        Assert.Equal("/mnt/c\\dé\t", mount.MountPoint);
    }

    [Theory]
    [InlineData("ro,nosuid", "rw")]
    [InlineData("rw,nosuid", "ro,nsdelegate")]
    public void Read_only_by_the_mount_or_by_the_file_system(string mountOptions, string superOptions) =>
        Assert.True(Assert.Single(MountTable.Parse($"1 2 0:3 / /cg {mountOptions} - cgroup2 x {superOptions}")).IsReadOnly);

    [Fact]
    public void A_later_mount_hides_what_is_below_it()
    {
        IReadOnlyList<CgroupMount> mounts = MountTable.Parse("""
            38 30 0:34 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
            40 30 0:40 / /sys/fs/cgroup rw - tmpfs tmpfs rw
            41 40 0:41 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
            """);
        Assert.True(Assert.Single(mounts).IsVersion2);
    }

    [Theory]
    [InlineData("short line")]
    [InlineData("38 30 0:34 / /cg rw no hyphen here")]
    [InlineData("38 30 0:34 / /cg rw - cgroup")]
    public void Lines_that_are_not_mounts_are_passed_over(string line) => Assert.Empty(MountTable.Parse(line));

    [Theory]
    [InlineData("/", "/", "/cg")]
    [InlineData("/", "/user.slice/a.scope", "/cg/user.slice/a.scope")]
    [InlineData("/docker/1f", "/docker/1f", "/cg")]                 // bind mount of the container's own cgroup
    [InlineData("/docker/1f", "/docker/1f/job", "/cg/job")]
    [InlineData("/docker/1f", "/docker/1fe", null)]                 // a neighbour with a longer name
    [InlineData("/docker/1f", "/", null)]
    [InlineData("/..", "/", null)]                                  // mounted outside of our namespace
    [InlineData("/../../system.slice", "/", null)]
    [InlineData("/", "/../other", null)]                            // we are outside of our namespace's root
    [InlineData("/", "/..name", "/cg/..name")]
    public void Directory_of_a_cgroup_under_a_mount(string root, string cgroup, string? expected) =>
        Assert.Equal(expected, new CgroupMount("/cg", root, true, "", false).DirectoryOf(cgroup));

    [Fact]
    public void Directory_when_mounted_at_the_root_of_the_file_system()
    {
        var mount = new CgroupMount("/", "/", true, "", false);
        Assert.Equal("/", mount.DirectoryOf("/"));
        Assert.Equal("/a", mount.DirectoryOf("/a"));
    }

    [Fact]
    public void The_table_of_this_machine_is_understood()
    {
        string text = File.ReadAllText("/proc/self/mountinfo");
        foreach (CgroupMount mount in MountTable.Parse(text)) Assert.True(Directory.Exists(mount.MountPoint));
    }
}
