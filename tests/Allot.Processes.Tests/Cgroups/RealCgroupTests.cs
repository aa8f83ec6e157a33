using Allot.Processes.Cgroups;
using Allot.Processes.Observation;

namespace Allot.Processes.Tests.Cgroups;

/// <summary>Memory cgroups of this machine, whichever version it has.</summary>
public sealed class RealCgroupTests
{
    /// <summary>A script that joins the group first. $$ stays the shell's pid.</summary>
    private static TestProcess ShellIn(MemoryCgroup group, string script) =>
        TestProcess.Shell($"echo 0 > '{group.ProcsFile}' || exit 99; {script}");

    private static MemoryCgroup CreateOrSkip()
    {
        try { return MemoryCgroup.Create("test"); }
        catch (CgroupUnavailableException e)
        {
            Assert.Skip(e.Message);
            throw;
        }
    }

    [Fact]
    public void A_new_group_is_empty_and_goes_away()
    {
        MemoryCgroup group = CreateOrSkip();
        Assert.True(Directory.Exists(group.Path));
        Assert.Contains($"/allot-test.{Environment.ProcessId}.", group.Path, StringComparison.Ordinal);
        var pids = new List<int>();
        group.ReadMembers(pids);
        Assert.Empty(pids);
        Assert.Equal(0, group.ReadOomEvents().Killed);
        RemoveResult result = group.Remove();
        Assert.True(result.IsRemoved, result.ToString());
        Assert.False(Directory.Exists(group.Path));
        group.Dispose();
    }

    [Fact]
    public void Members_join_and_leave_and_children_are_found()
    {
        using MemoryCgroup group = CreateOrSkip();
        using TestProcess process = ShellIn(group, "sleep 1000 & echo $!; echo ready; read line; kill $!; wait; echo ready; read line");
        int child = int.Parse(process.ReadLine()!, System.Globalization.CultureInfo.InvariantCulture);
        process.WaitReady();
        var pids = new List<int>();
        group.ReadMembers(pids);
        pids.Sort();
        Assert.Equal(new[] { process.Pid, child }.Order(), pids);

        process.WriteLine();
        process.WaitReady();
        group.ReadMembers(pids);   // at once: a list that is kept for a second would still show the child
        Assert.Equal([process.Pid], pids);
        process.WriteLine();
        process.WaitForExit();
    }

    [Fact]
    public void Kernel_memory_rises_with_directories_and_falls_after()
    {
        using MemoryCgroup group = CreateOrSkip();
        string root = Directory.CreateTempSubdirectory("allot-dirs-").FullName;
        try
        {
            using TestProcess process = ShellIn(group,
                $"cd '{root}' && echo ready && read line && mkdir $(seq 1 1500) && echo ready && read line");
            process.WaitReady();
            long before = group.ReadKernelBytes();
            // A shell alone is less than the lag of version 2.
            if (group.Version == 1) Assert.True(before > 0);
            process.WriteLine();
            process.WaitReady();
            long after = group.ReadKernelBytes();
            // A dentry and an inode are some 800 bytes; 1,500 directories are over 1 MB on every file system.
            Assert.True(after - before > 800_000, $"{before} -> {after}");
            Assert.True(group.ReadMemoryBytes() >= after);
            if (group.ReadKernelPeakBytes() is { } peak) Assert.True(peak >= after);
            if (group.ReadMemoryPeakBytes() is { } memoryPeak) Assert.True(memoryPeak >= after);
            process.WriteLine();
            process.WaitForExit();
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
        long left = group.ReadKernelBytes();
        group.Reclaim(64 << 20);
        Assert.True(group.ReadKernelBytes() <= left);
    }

    [Fact]
    public void Reclaim_measures_what_it_freed_while_members_live()
    {
        using MemoryCgroup group = CreateOrSkip();
        // Lookups of names that do not exist leave negative entries: kernel memory that can go at any time.
        using TestProcess process = ShellIn(group,
            "cd /sys/kernel && for i in $(seq 1 20000); do [ -e allot-no-$$-$i ]; done; echo ready && read line");
        process.WaitReady();
        long before = group.ReadKernelBytes();
        long freed = group.Reclaim(64 << 20);
        Assert.True(freed > 1_000_000, $"freed {freed} of {before}");
    }

    [Fact]
    public void The_kernels_limit_kills_and_is_counted()
    {
        using MemoryCgroup group = CreateOrSkip();
        group.SetMemoryMax(16 << 20);
        using TestProcess process = ShellIn(group, "exec tail /dev/zero");   // keeps all, for it looks for a line
        process.WaitForExit();
        OomEvents events = group.ReadOomEvents();
        Assert.True(events.LimitHits > 0);
        Assert.Equal(1, events.Killed);
        Assert.True(group.ReadMemoryPeakBytes() is null or <= (16 << 20));
        group.SetMemoryMax(long.MaxValue);
    }

    [Fact]
    public void A_limit_below_use_that_cannot_be_met_is_an_error_or_a_kill_never_silence()
    {
        using MemoryCgroup group = CreateOrSkip();
        Assert.SkipUnless(group.Version == 1, "Version 2 kills instead of refusing.");
        using TestProcess process = ShellIn(group, "echo ready; read line").WaitReady();
        var e = Assert.Throws<IOException>(() => group.SetMemoryMax(0));
        Assert.Contains("uses more than that", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Groups_that_the_command_makes_below_are_seen_killed_and_removed()
    {
        using MemoryCgroup group = CreateOrSkip();
        string below = group.Version == 1 ? "inner/innermost" : "inner";
        using TestProcess process = TestProcess.Shell(
            $"mkdir -p '{group.Path}/{below}' && echo 0 > '{group.Path}/{below}/cgroup.procs' && echo ready && read line");
        process.WaitReady();
        var pids = new List<int>();
        group.ReadMembers(pids);
        Assert.Equal([process.Pid], pids);
        Assert.True(group.TryKillAll());
        Assert.Equal(128 + 9, process.WaitForExit());
        RemoveResult result = group.Remove();
        Assert.True(result.IsRemoved, result.ToString());
    }

    [Fact]
    public void All_members_are_killed_also_while_they_fork()
    {
        using MemoryCgroup group = CreateOrSkip();
        using TestProcess process = ShellIn(group,
            "for i in 1 2 3; do (i=0; while [ $i -lt 150 ]; do sleep 1000 & i=$((i+1)); /bin/true; done) & done; echo ready; read line");
        process.WaitReady();
        var pids = new List<int>();
        Assert.True(SpinWait.SpinUntil(() => { group.ReadMembers(pids); return pids.Count > 20; }, TimeSpan.FromSeconds(20)));
        Assert.True(group.TryKillAll());
        Assert.True(group.Remove().IsRemoved);
    }

    [Fact]
    public void A_group_with_living_members_stays_and_the_reason_names_them()
    {
        MemoryCgroup group = CreateOrSkip();
        using (TestProcess process = ShellIn(group, "echo ready; read line").WaitReady())
        {
            RemoveResult result = group.Remove();
            Assert.Equal(group.Path, result.LeftPath);
            Assert.Contains($"pid {process.Pid}", result.Reason, StringComparison.Ordinal);
        }
        Assert.True(group.Remove().IsRemoved);
        group.Dispose();
    }

    [Fact]
    public void Polling_allocates_nothing()
    {
        using MemoryCgroup group = CreateOrSkip();
        using TestProcess process = ShellIn(group, "echo ready; read line").WaitReady();
        var pids = new List<int>(64);
        Allocations.AssertNone(() =>
        {
            group.ReadKernelBytes();
            group.ReadMemoryBytes();
            group.ReadKernelPeakBytes();
            group.ReadMembers(pids);
            ProcessStatus.TryRead(pids[0], out _);
            ProcessStart.TryRead(pids[0], out _);
            ThreadStatus.TryRead(pids[0], out _);
        });
    }

    [Fact]
    public void Kinds_are_not_negative()
    {
        using MemoryCgroup group = CreateOrSkip();
        Assert.All(group.ReadKernelByKind(), kind => Assert.True(kind.Bytes >= 0, kind.Kind));
    }
}
