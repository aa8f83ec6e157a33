using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Issues;

// A root member that moved away and removed its cgroup took the supervisor down with an unhandled exception.
public sealed class LostCgroupTests
{
    private const string Script = """
        own=$(awk -F: '$2=="memory"{print $3}' /proc/self/cgroup)
        cgroup=$(find /sys/fs/cgroup -type d -path "*$own" -name 'allot-*' 2>/dev/null | head -1)
        echo $$ > "$(dirname "$cgroup")/cgroup.procs" && rmdir "$cgroup" && echo removed
        for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.05; done
        echo all done
        """;

    [Fact]
    public void A_cgroup_that_a_member_removes_refuses_calls_and_ends_nothing()
    {
        Require.Root();
        Assert.SkipUnless(File.Exists("/sys/fs/cgroup/memory/cgroup.procs"), "the script knows version 1 of cgroups");
        AllotResult result = AllotCommand.Run(["--kernel-max", "64M"], ["sh", "-c", Script]);
        Assert.Contains("removed", result.Run.Lines);
        Assert.DoesNotContain("all done", result.Run.Lines);   // the shell gives up when it cannot fork
        Assert.True(result.Number("kernel.refused") > 0, result.ToString());
    }
}
