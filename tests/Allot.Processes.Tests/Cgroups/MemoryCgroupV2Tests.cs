using Allot.Processes.Cgroups;

namespace Allot.Processes.Tests.Cgroups;

/// <summary>Version 2 over plain files with the kernel's texts; the real kernel is met in the virtual machine's
/// tests.</summary>
public sealed class MemoryCgroupV2Tests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("allot-v2-").FullName;

    private MemoryCgroupV2 Open() => new(_directory, new UndoList(KernelCgroupFiles.Instance));

    private void Give(string file, string text) => File.WriteAllText(Path.Combine(_directory, file), text);

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Numbers_are_read_by_key_and_again_after_a_change()
    {
        Give("memory.stat", "anon 4096\nfile 0\nkernel_stack 16384\nkernel 1245184\nsock 8192\npercpu 960\nslab_reclaimable 700\nslab 1000\n");
        Give("memory.current", "2097152\n");
        Give("memory.peak", "3145728\n");
        MemoryCgroupV2 group = Open();
        Assert.True(group.CountsKernelBytes);
        Assert.Equal(1245184, group.ReadKernelBytes());
        Assert.Equal(2097152, group.ReadMemoryBytes());
        Assert.Equal(3145728, group.ReadMemoryPeakBytes());
        Assert.Null(group.ReadKernelPeakBytes());
        Assert.Equal([("slab_reclaimable", 700L), ("kernel_stack", 16384), ("percpu", 960), ("sock", 8192)], group.ReadKernelByKind());

        Give("memory.current", "7\n");
        Assert.Equal(7, group.ReadMemoryBytes());
    }

    [Fact]
    public void A_long_stat_is_read_whole()
    {
        Give("memory.stat", string.Concat(Enumerable.Range(0, 500).Select(i => $"key_{i} {i}\n")) + "kernel 77\n");
        Assert.Equal(77, Open().ReadKernelBytes());
    }

    [Fact]
    public void A_kernel_without_the_keys_is_noticed()
    {
        Give("memory.stat", "anon 1\nkernel_stack 2\n");
        MemoryCgroupV2 group = Open();
        Assert.False(group.CountsKernelBytes);
        Assert.Throws<NotSupportedException>(() => group.ReadKernelBytes());
        Assert.Null(group.ReadMemoryPeakBytes());
        Assert.Equal(default, group.ReadOomEvents());
    }

    [Fact]
    public void Events()
    {
        Give("memory.events", "low 0\nhigh 1\nmax 12\noom 3\noom_kill 2\noom_group_kill 9\n");
        Assert.Equal(new OomEvents(12, 3, 2), Open().ReadOomEvents());
    }

    [Fact]
    public void Limit_is_written_as_the_kernel_wants_it()
    {
        Give("memory.max", "max\n");
        MemoryCgroupV2 group = Open();
        group.SetMemoryMax(64 << 20);
        Assert.StartsWith("67108864", File.ReadAllText(Path.Combine(_directory, "memory.max")), StringComparison.Ordinal);
        Give("memory.max", "");
        group.SetMemoryMax(long.MaxValue);
        Assert.Equal("max", File.ReadAllText(Path.Combine(_directory, "memory.max")));
    }

    [Fact]
    public void A_refused_limit_says_which_file_and_why()
    {
        var e = Assert.Throws<IOException>(() => Open().SetMemoryMax(4096));
        Assert.Contains($"Cannot set '{_directory}/memory.max' to 4096 bytes", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Members_of_the_whole_tree()
    {
        Give("cgroup.procs", "10\n0\n11\n");   // 0: a process that our pid namespace does not show
        Directory.CreateDirectory(Path.Combine(_directory, "child/grandchild"));
        Give("child/cgroup.procs", "12\n");
        Give("child/grandchild/cgroup.procs", "13\n");
        var pids = new List<int> { 99 };
        Open().ReadMembers(pids);
        Assert.Equal([10, 11, 12, 13], pids);
    }
}
