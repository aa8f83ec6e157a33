using Allot.Processes.Cgroups;

namespace Allot.Processes.Tests.Cgroups;

public sealed class PlacementV2Tests
{
    private const int Us = FakeCgroupFiles.Pid, Stranger = 7;

    private static CgroupHome Home(string directory) => new(2, directory, "/cg", IsReadOnly: false);

    [Fact]
    public void In_the_root_the_controller_is_enabled_and_stays_enabled()
    {
        FakeCgroupFiles files = new FakeCgroupFiles().Cgroup("/cg", trueRoot: true, pids: [1, Stranger, Us]);
        Placement place = Placement.Make(Home("/cg"), "job", files);
        Assert.Equal("/cg/job", place.Directory);
        Assert.True(files.Exists("/cg/job/memory.max"));
        Assert.Equal([1, Stranger, Us], files.PidsOf("/cg"));

        files.RemoveDirectory("/cg/job");
        Assert.True(place.Undo.Run().IsRemoved);
        Assert.Contains("memory", files.Read("/cg/cgroup.subtree_control"), StringComparison.Ordinal);
    }

    [Fact]
    public void Alone_in_a_cgroup_we_move_into_a_leaf_and_back()
    {
        FakeCgroupFiles files = Delegated(Us);
        string before = files.Snapshot();
        Placement place = Placement.Make(Home("/cg/scope"), "job", files);
        Assert.Equal("/cg/scope/job", place.Directory);
        Assert.Equal([Us], files.PidsOf($"/cg/scope/allot-supervisor.{Us}"));
        Assert.Empty(files.PidsOf("/cg/scope"));

        files.RemoveDirectory(place.Directory);
        Assert.True(place.Undo.Run().IsRemoved);
        Assert.Equal(before, files.Snapshot());
    }

    [Fact]
    public void A_second_group_of_this_process_goes_beside_its_leaf()
    {
        FakeCgroupFiles files = Delegated(Us);
        Placement.Make(Home("/cg/scope"), "one", files);
        Placement second = Placement.Make(Home($"/cg/scope/allot-supervisor.{Us}"), "two", files);
        Assert.Equal("/cg/scope/two", second.Directory);
    }

    [Fact]
    public void With_others_in_our_cgroup_the_group_goes_beside_it_and_nobody_moves()
    {
        FakeCgroupFiles files = Delegated(Us, Stranger);
        Placement place = Placement.Make(Home("/cg/scope"), "job", files);
        Assert.Equal("/cg/job", place.Directory);
        Assert.Equal([Us, Stranger], files.PidsOf("/cg/scope"));
    }

    [Fact]
    public void The_root_of_a_namespace_is_bound_by_the_rule()
    {
        // No cgroup.type is what tells the true root; a namespace's root has one, and its parent cannot be seen.
        FakeCgroupFiles files = new FakeCgroupFiles().Cgroup("/cg", pids: [Us, Stranger]);
        string before = files.Snapshot();
        var e = Assert.Throws<CgroupUnavailableException>(() => Placement.Make(Home("/cg"), "job", files));
        Assert.Contains("holds 1 other process (pid 7)", e.Message, StringComparison.Ordinal);
        Assert.Contains("parent of our cgroup is not visible", e.Message, StringComparison.Ordinal);
        Assert.Equal(before, files.Snapshot());
    }

    [Fact]
    public void Without_permission_the_message_names_the_way()
    {
        FakeCgroupFiles files = new FakeCgroupFiles()
            .Cgroup("/cg", trueRoot: true, givesMemory: true, writable: false)
            .Cgroup("/cg/scope", writable: false, pids: [Us]);
        var e = Assert.Throws<CgroupUnavailableException>(() => Placement.Make(Home("/cg/scope"), "job", files));
        Assert.Contains("'/cg/job' cannot be made: errno 13.", e.Message, StringComparison.Ordinal);
        Assert.EndsWith("systemd-run --user --scope -p Delegate=yes -- allot run ...", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Root_reads_another_way()
    {
        FakeCgroupFiles files = new FakeCgroupFiles { IsRoot = true }
            .Cgroup("/cg", trueRoot: true).Cgroup("/cg/scope", pids: [Us]);
        var e = Assert.Throws<CgroupUnavailableException>(() => Placement.Make(Home("/cg/scope"), "job", files));
        Assert.Contains("not enabled for our cgroup '/cg/scope'", e.Message, StringComparison.Ordinal);
        Assert.Contains("echo +memory", e.Message, StringComparison.Ordinal);
        Assert.EndsWith("systemd-run --scope -p Delegate=yes -- allot run ...", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_read_only_mount_is_named()
    {
        FakeCgroupFiles files = new FakeCgroupFiles().Cgroup("/cg", writable: false, pids: [Us]);
        var e = Assert.Throws<CgroupUnavailableException>(
            () => Placement.Make(Home("/cg") with { IsReadOnly = true }, "job", files));
        Assert.Contains("mounted read-only", e.Message, StringComparison.Ordinal);
        Assert.Contains("--privileged", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_threaded_parent_gives_no_memory_files_and_nothing_stays()
    {
        FakeCgroupFiles files = new FakeCgroupFiles()
            .Cgroup("/cg", trueRoot: true, givesMemory: true).Cgroup("/cg/scope", threaded: true, pids: [Us, Stranger]);
        files.Cgroup("/cg", givesMemory: true, threaded: true);
        string before = files.Snapshot();
        Assert.Throws<CgroupUnavailableException>(() => Placement.Make(Home("/cg/scope"), "job", files));
        Assert.Equal(before, files.Snapshot());
    }

    [Theory]
    [InlineData("/cg")]
    [InlineData("/cg/scope")]
    public void Whichever_step_fails_nothing_stays_behind(string own)
    {
        int failures = 0;
        for (int failAt = 1; ; failAt++)
        {
            FakeCgroupFiles files = new FakeCgroupFiles { FailAt = failAt }.Cgroup("/cg", trueRoot: true, givesMemory: own != "/cg");
            if (own == "/cg") files.Cgroup("/cg", trueRoot: true, pids: [Us]);
            // The parent is closed, so that a refusal below us is final.
            else files.Cgroup("/cg", givesMemory: true, writable: false).Cgroup(own, pids: [Us]);
            string before = files.Snapshot();
            try
            {
                Placement.Make(Home(own), "job", files);
                Assert.True(files.Operations < failAt, "A step failed and nobody noticed.");
                break;
            }
            catch (CgroupUnavailableException)
            {
                failures++;
                Assert.Equal(before, files.Snapshot());
            }
        }
        Assert.True(failures >= 2);
    }

    private static FakeCgroupFiles Delegated(params int[] pids) => new FakeCgroupFiles()
        .Cgroup("/cg", trueRoot: true, givesMemory: true).Cgroup("/cg/scope", pids: pids);
}
