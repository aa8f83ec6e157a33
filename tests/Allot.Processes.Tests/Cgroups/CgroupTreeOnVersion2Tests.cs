using Allot.Processes.Cgroups;

namespace Allot.Processes.Tests.Cgroups;

/// <summary>
/// Members, killing and removing on the real unified hierarchy, which needs no memory controller: many machines whose
/// memory controller is version 1 have it too.
/// </summary>
public sealed class CgroupTreeOnVersion2Tests : IDisposable
{
    private readonly string? _directory;

    public CgroupTreeOnVersion2Tests()
    {
        CgroupMount? mount = MountTable.Parse(File.ReadAllText("/proc/self/mountinfo")).FirstOrDefault(m => m.IsVersion2);
        string? own = OwnCgroups.Parse(File.ReadAllText("/proc/self/cgroup")).Unified;
        if (mount is null || own is null || mount.DirectoryOf(own) is not { } directory) return;
        string path = $"{directory}/allot-tree-test.{Environment.ProcessId}.{Guid.NewGuid():N}";
        if (KernelCgroupFiles.Instance.MakeDirectory(path) == 0) _directory = path;
    }

    private string PathOrSkip()
    {
        Assert.SkipWhen(_directory is null, "No unified hierarchy in which this user may make a cgroup.");
        return _directory;
    }

    public void Dispose()
    {
        if (_directory is not null && Directory.Exists(_directory)) new CgroupTree(_directory).Remove();
    }

    [Fact]
    public void A_tree_with_members_at_two_levels_is_killed_and_removed()
    {
        string path = PathOrSkip();
        var tree = new CgroupTree(path);
        using TestProcess outer = TestProcess.Shell($"echo 0 > '{path}/cgroup.procs' && echo ready && read line").WaitReady();
        using TestProcess inner = TestProcess.Shell(
            $"mkdir '{path}/inner' && echo 0 > '{path}/inner/cgroup.procs' && echo ready && read line").WaitReady();
        var pids = new List<int>();
        tree.ReadMembers(pids);
        Assert.Equal([outer.Pid, inner.Pid], pids);
        Assert.False(tree.Remove().IsRemoved);
        Assert.True(tree.TryKillAll());
        RemoveResult result = tree.Remove();
        Assert.True(result.IsRemoved, result.ToString());
        Assert.False(Directory.Exists(path));
    }

    [Fact]
    public void A_member_in_a_threaded_cgroup_is_found_at_its_domain()
    {
        string path = PathOrSkip();
        Directory.CreateDirectory($"{path}/threads");
        Assert.Equal(0, KernelCgroupFiles.WriteText($"{path}/threads/cgroup.type", "threaded"));
        using TestProcess process = TestProcess.Shell(
            $"echo 0 > '{path}/cgroup.procs' && echo 0 > '{path}/threads/cgroup.threads' && echo ready && read line").WaitReady();
        var pids = new List<int>();
        var tree = new CgroupTree(path);
        tree.ReadMembers(pids);
        Assert.Equal([process.Pid], pids);
        Assert.True(tree.TryKillAll());
        Assert.True(tree.Remove().IsRemoved);
    }
}
