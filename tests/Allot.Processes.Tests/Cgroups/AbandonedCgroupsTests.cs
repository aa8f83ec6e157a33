using System.Text;
using Allot.Processes.Cgroups;
using Allot.Processes.Tests.Run;
using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Cgroups;

/// <summary>What a killed Allot leaves, and who tidies it up.</summary>
public sealed class AbandonedCgroupsTests
{
    private const int NoProcess = int.MaxValue;   // above every pid_max

    [Fact]
    public async Task The_next_run_removes_the_cgroup_of_one_that_was_killed()
    {
        Require.Root();
        using AllotRun killed = AllotCommand.Start(["--memory-max", "1G"], ["sh", "-c", "echo ready; read line"]);
        await killed.Program.WaitForLineAsync("ready");
        string left = LeftCgroup.OfChild(killed.Program.Id);
        killed.Program.KillAlone();
        killed.Program.WriteInput("\n");
        await killed.WaitForEndAsync();
        Wait.Until(() => File.ReadAllText($"{left}/cgroup.procs").Length == 0);

        AllotResult next = AllotCommand.Run(["--memory-max", "1G"], ["true"]);
        Assert.Equal(0, next.ExitCode);
        Assert.False(Directory.Exists(left), left);
    }

    [Fact]
    public void A_cgroup_whose_owner_lives_stays_also_while_it_is_empty()
    {
        using MemoryCgroup living = CreateOrSkip();
        string parent = Path.GetDirectoryName(living.Path)!;
        string foreignPid = AbandonedCgroups.NewName("sweep", NoProcess);
        string[] theirs = ["allot-sweep", $"allot-sweep.{NoProcess}", $"not-{foreignPid}", $"{foreignPid}0", Living(1)];
        foreach (string name in theirs) Directory.CreateDirectory($"{parent}/{name}");
        try
        {
            AllotResult next = AllotCommand.Run(["--memory-max", "1G"], ["true"]);
            Assert.Equal(0, next.ExitCode);
            using MemoryCgroup second = MemoryCgroup.Create("second");
            Assert.True(Directory.Exists(living.Path));
            foreach (string name in theirs) Assert.True(Directory.Exists($"{parent}/{name}"), name);
        }
        finally
        {
            foreach (string name in theirs) Directory.Delete($"{parent}/{name}");
        }
    }

    [Fact]
    public void A_cgroup_whose_owner_lives_in_another_pid_namespace_stays()
    {
        using MemoryCgroup second = CreateOrSkip();
        string seenFromElsewhere = $"{Path.GetDirectoryName(second.Path)}/{AbandonedCgroups.NewName("sweep", NoProcess)}";
        Directory.CreateDirectory(seenFromElsewhere);
        using (AbandonedCgroups.TryOwn(seenFromElsewhere))
        {
            using MemoryCgroup third = MemoryCgroup.Create("third");
            Assert.True(Directory.Exists(seenFromElsewhere));
        }

        using MemoryCgroup fourth = MemoryCgroup.Create("fourth");
        Assert.False(Directory.Exists(seenFromElsewhere));
    }

    [Fact]
    public void A_cgroup_with_a_member_or_a_child_stays()
    {
        using MemoryCgroup first = CreateOrSkip();
        string parent = Path.GetDirectoryName(first.Path)!;
        string withMember = $"{parent}/{AbandonedCgroups.NewName("member", NoProcess)}";
        string withChild = $"{parent}/{AbandonedCgroups.NewName("child", NoProcess)}";
        Directory.CreateDirectory(withMember);
        Directory.CreateDirectory($"{withChild}/inner");
        using (TestProcess.Shell($"echo 0 > '{withMember}/cgroup.procs'; echo ready; read line").WaitReady())
        {
            AbandonedCgroups.Sweep(parent);
            Assert.True(Directory.Exists(withMember));
            Assert.True(Directory.Exists($"{withChild}/inner"));
        }

        Directory.Delete($"{withChild}/inner");
        Wait.Until(() => File.ReadAllText($"{withMember}/cgroup.procs").Length == 0);
        AbandonedCgroups.Sweep(parent);
        Assert.False(Directory.Exists(withMember));
        Assert.False(Directory.Exists(withChild));
    }

    [Fact]
    public void A_cgroup_that_is_gone_or_being_swept_cannot_be_owned()
    {
        using MemoryCgroup group = CreateOrSkip();
        Assert.Null(AbandonedCgroups.TryOwn(group.Path));   // has its owner
        Assert.Null(AbandonedCgroups.TryOwn(group.Path + "x"));
        AbandonedCgroups.Sweep("/no/such/place");
    }

    [Theory]
    [InlineData("allot-sh.12.0b5cf2a1", 12)]
    [InlineData("allot-a.b.c.12.0b5cf2a1", 12)]
    [InlineData("allot-.12.0b5cf2a1", null)]
    [InlineData("allot-12.0b5cf2a1", null)]
    [InlineData("allot-sh.x2.0b5cf2a1", null)]
    [InlineData("allot-sh.2x.0b5cf2a1", null)]
    [InlineData("allot-sh.-2.0b5cf2a1", null)]
    [InlineData("allot-sh.99999999999.0b5cf2a1", null)]
    [InlineData("allot-sh.12.0B5CF2A1", null)]
    [InlineData("allot-sh.12.0b5cf2a", null)]
    [InlineData("allot-supervisor.12", null)]
    [InlineData("allot-", null)]
    [InlineData("", null)]
    public void Only_our_own_names_are_ours(string name, int? owner)
    {
        bool ours = AbandonedCgroups.TryReadOwner(Encoding.UTF8.GetBytes(name), out int pid);
        Assert.Equal(owner, ours ? pid : null);
    }

    private static string Living(int pid) => AbandonedCgroups.NewName("sweep", pid);

    private static MemoryCgroup CreateOrSkip()
    {
        Require.Root();
        try { return MemoryCgroup.Create("abandoned"); }
        catch (CgroupUnavailableException e)
        {
            Assert.Skip(e.Message);
            throw;
        }
    }
}
