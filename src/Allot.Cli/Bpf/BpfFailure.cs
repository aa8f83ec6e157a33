using Allot.Bpf;

namespace Allot.Cli.Bpf;

/// <summary>What can be wrong with a file, its programs or a run ends in one line and an exit status.</summary>
internal static class BpfFailure
{
    public static int Guard(Func<int> action)
    {
        try
        {
            return action();
        }
        catch (Exception failure) when (failure is BpfRefusedException or BpfFaultException or IOException
            or UnauthorizedAccessException or InsufficientMemoryException)
        {
            return Say(failure.Message);
        }
    }

    /// <summary>The command line itself is wrong.</summary>
    public static int SayUsage(string message)
    {
        StandardError.WriteMessage(message);
        StandardError.WriteMessage("see 'allot bpf --help'.");
        return ExitCode.AllotFailed;
    }

    public static int Say(string message)
    {
        StandardError.WriteMessage(message);
        return ExitCode.BpfFailed;
    }
}
