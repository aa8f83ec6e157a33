using Allot.Processes;

namespace Allot.Cli.Run;

/// <summary>Runs a command in a group, from the command line's point of view: messages, signals, report, exit
/// code.</summary>
internal static class Runner
{
    public static int Run(RunRequest request)
    {
        try
        {
            // Opened first: a report that cannot be written is better known before the command has run than after.
            using ReportDestination report = ReportDestination.Open(request);
            using var signals = new SignalForwarder();
            using ProcessGroup group = ProcessGroup.Start(OptionsOf(request));
            signals.ForwardTo(group);
            ProcessGroupReport result = group.WaitForExit();
            report.Write(result);
            return result.ExitCode;
        }
        catch (ProcessGroupException failure)
        {
            StandardError.WriteMessage(failure.Message);
            return failure.Failure switch
            {
                ProcessGroupFailure.CommandNotFound => ExitCode.CommandNotFound,
                ProcessGroupFailure.CommandNotExecutable => ExitCode.CommandNotExecutable,
                _ => ExitCode.AllotFailed,
            };
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException)
        {
            StandardError.WriteMessage(failure.Message);
            return ExitCode.AllotFailed;
        }
    }

    private static ProcessGroupOptions OptionsOf(RunRequest request) => new()
    {
        Command = request.Command,
        Name = request.Name,
        MemoryMaxBytes = request.MemoryMaxBytes,
        KernelMaxBytes = request.KernelMaxBytes,
        PinsMaxBytes = request.PinsMaxBytes,
        AllowsIoUring = request.AllowsIoUring,
        OwnsAllDescendants = true,
        Log = request.Verbose ? StandardError.WriteMessage : null,
    };
}
