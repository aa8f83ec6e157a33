using Allot.Processes.Launching;

namespace Allot.Processes.Tests.Launching;

public sealed class CgroupJoinTests : IDisposable
{
    private readonly TestLaunch _launch = new();

    public void Dispose() => _launch.Dispose();

    [Fact]
    public void The_command_starts_in_the_cgroup_and_the_launchers_memory_is_not_charged_to_it()
    {
        Assert.SkipWhen(TestLaunch.Unsupported is not null, TestLaunch.Unsupported ?? "");
        string? own = OwnMemoryCgroup();
        Assert.SkipWhen(own is null, "needs a cgroup v1 memory hierarchy under /sys/fs/cgroup/memory");
        string cgroup = $"{own}/allot-launch-test-{Environment.ProcessId}";
        try
        {
            Directory.CreateDirectory(cgroup);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            Assert.Skip($"cannot create {cgroup}: {e.Message}");
        }
        try
        {
            _launch.Start(new LaunchPlan
            {
                Command = ["/bin/sh", "-c", $"exec >'{_launch.OutputFile}'; cat /proc/self/cgroup"],
                CgroupProcsFiles = [$"{cgroup}/cgroup.procs"],
                Launcher = TestLaunch.Launcher,
            });
            string held = File.ReadAllText($"{cgroup}/memory.usage_in_bytes");
            Assert.True(long.Parse(held, System.Globalization.CultureInfo.InvariantCulture) < 1 << 20, held);
            Assert.Equal(0, _launch.Finish().Code);
            Assert.Contains(Path.GetFileName(cgroup), _launch.Output, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(cgroup);
        }
    }

    private static string? OwnMemoryCgroup()
    {
        if (!File.Exists("/proc/self/cgroup")) return null;
        string? line = File.ReadAllLines("/proc/self/cgroup")
            .FirstOrDefault(static l => l.Contains(":memory:", StringComparison.Ordinal));
        string path = $"/sys/fs/cgroup/memory{line?.Split(':', 3)[2]}";
        return line is not null && File.Exists($"{path}/cgroup.procs") ? path.TrimEnd('/') : null;
    }
}
