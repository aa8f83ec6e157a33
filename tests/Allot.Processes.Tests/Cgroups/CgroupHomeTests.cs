using Allot.Processes.Cgroups;

namespace Allot.Processes.Tests.Cgroups;

public sealed class CgroupHomeTests
{
    private const string Version2Mount = "35 22 0:30 / /cg rw - cgroup2 cgroup2 rw,nsdelegate\n";
    private const string Version1Mount = "36 22 0:31 / /v1 rw - cgroup cgroup rw,memory\n";

    private static FakeCgroupFiles Machine(string mounts, string own, string cgroups = "") => new FakeCgroupFiles()
        .File("/proc/self/mountinfo", mounts).File("/proc/self/cgroup", own).File("/proc/cgroups", cgroups);

    [Fact]
    public void Version_1_wins_where_it_holds_the_controller()
    {
        FakeCgroupFiles files = Machine(Version2Mount + Version1Mount, "4:memory:/a\n0::/\n")
            .Cgroup("/cg", trueRoot: true).Cgroup("/v1/a");
        Assert.Equal(new CgroupHome(1, "/v1/a", "/v1", false), CgroupHome.Find(files));
    }

    [Fact]
    public void Version_2_otherwise()
    {
        FakeCgroupFiles files = Machine(Version2Mount, "0::/a\n").Cgroup("/cg", trueRoot: true).Cgroup("/cg/a");
        Assert.Equal(new CgroupHome(2, "/cg/a", "/cg", false), CgroupHome.Find(files));
    }

    [Fact]
    public void A_writable_mount_is_preferred_to_a_read_only_one()
    {
        FakeCgroupFiles files = Machine("1 2 0:30 / /ro ro - cgroup2 x rw\n" + Version2Mount, "0::/\n")
            .Cgroup("/ro", trueRoot: true).Cgroup("/cg", trueRoot: true);
        Assert.Equal("/cg", CgroupHome.Find(files).Directory);
    }

    [Fact]
    public void Nothing_mounted() =>
        AssertUnavailable(Machine("", ""), "no cgroup file system is mounted");

    [Fact]
    public void Version_1_controller_without_a_mount() =>
        AssertUnavailable(Machine(Version2Mount, "4:memory:/a\n0::/\n").Cgroup("/cg", trueRoot: true), "not mounted here");

    [Theory]
    [InlineData("#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t0\t1\t1\n", "CONFIG_MEMCG")]
    [InlineData("#subsys_name\thierarchy\tnum_cgroups\tenabled\nmemory\t0\t1\t0\n", "cgroup_enable=memory")]
    [InlineData("#subsys_name\thierarchy\tnum_cgroups\tenabled\nmemory\t0\t1\t1\n", "does not list memory")]
    public void No_memory_controller(string cgroups, string said)
    {
        FakeCgroupFiles files = Machine(Version2Mount, "0::/\n", cgroups)
            .Cgroup("/cg", trueRoot: true).File("/cg/cgroup.controllers", "cpu pids\n");
        AssertUnavailable(files, said);
    }

    [Fact]
    public void Own_cgroup_outside_of_what_is_mounted() => AssertUnavailable(
        Machine("35 22 0:30 /docker/1f /cg rw - cgroup2 cgroup2 rw\n", "0::/user.slice\n").Cgroup("/cg"),
        "our own cgroup '/user.slice' is not visible under '/cg', which shows '/docker/1f'");

    [Fact]
    public void Kernel_memory_switched_off_at_boot()
    {
        FakeCgroupFiles files = Machine(Version2Mount, "0::/\n").Cgroup("/cg", trueRoot: true)
            .File("/proc/cmdline", "quiet cgroup.memory=nosocket,nokmem ro\n");
        var e = Assert.Throws<CgroupUnavailableException>(() => MemoryCgroup.Create("job", true, files));
        Assert.Contains("cgroup.memory=nokmem", e.Message, StringComparison.Ordinal);
        Assert.Equal(["/cg"], files.Cgroups);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a/b")]
    [InlineData("a\nb")]
    public void Names_that_cannot_be_a_directory(string name) =>
        Assert.ThrowsAny<ArgumentException>(() => MemoryCgroup.Create(name, true, Machine("", "")));

    private static void AssertUnavailable(FakeCgroupFiles files, string said)
    {
        var e = Assert.Throws<CgroupUnavailableException>(() => CgroupHome.Find(files));
        Assert.Contains(said, e.Message, StringComparison.Ordinal);
    }
}
