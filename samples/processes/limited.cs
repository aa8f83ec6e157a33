// How does my own program run a command under a limit?
//
//   dotnet run samples/processes/limited.cs -- COMMAND [ARG...]
//
// Runs the command with at most 1 MiB of locked and pinned memory, which needs no privilege, and prints the report.

#:project ../../src/Allot.Processes/Allot.Processes.csproj
#:property PublishAot=false

using Allot.Processes;

#region run-limited
// First of all: this program is started a second time to become the command.
if (ProcessLauncher.TryRun(args, out int launcherExitCode)) return launcherExitCode;

using ProcessGroup group = ProcessGroup.Start(new ProcessGroupOptions { Command = args, PinsMaxBytes = 1 << 20 });
ProcessGroupReport report = group.WaitForExit();
Console.Write(report.ToText());
return report.ExitCode;
#endregion
