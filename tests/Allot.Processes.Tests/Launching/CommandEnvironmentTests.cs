using System.Text;
using Allot.Processes.Launching;

namespace Allot.Processes.Tests.Launching;

public sealed class CommandEnvironmentTests
{
    [Fact]
    public void The_launcher_gets_no_runtime_settings_that_are_meant_for_the_command()
    {
        string[] command =
        [
            "PATH=/bin", "DOTNET_STARTUP_HOOKS=/x.dll", "DOTNET_DiagnosticPorts=p,suspend",
            "CORECLR_ENABLE_PROFILING=1", "COMPlus_gcServer=1", "COREHOST_TRACE=1", "DOTNET_ROOT=/opt/dotnet",
            "MY_DOTNET_X=1", "DOTNET_gcServer=1",
        ];
        List<byte[]> launcher = CommandEnvironment.ForLauncher([.. command.Select(Encoding.UTF8.GetBytes)]);
        string[] names = [.. launcher.Select(static v => Encoding.UTF8.GetString(v))];
        Assert.Equal(
            ["PATH=/bin", "DOTNET_ROOT=/opt/dotnet", "MY_DOTNET_X=1", "ALLOT_IS_LAUNCHER=1"],
            names.Take(4));
        Assert.DoesNotContain("DOTNET_gcServer=1", names);
    }

    [Fact]
    public void Our_own_environment_is_read_whole()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "reads the C library's environ");
        string[] expected = File.ReadAllText("/proc/self/environ").Split('\0', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(expected, CommandEnvironment.OfThisProcess().Select(static v => Encoding.UTF8.GetString(v)));
    }
}
