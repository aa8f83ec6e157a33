using System.Runtime.CompilerServices;
using Allot.Cli;
using Allot.Processes;

// Each step is in a method of its own: compiling it loads the libraries that it names.
return OpenFileLimit.IsEnough() ? Run(args) : ExitCode.AllotFailed;

[MethodImpl(MethodImplOptions.NoInlining)]
static int Run(string[] args)
{
    // A launcher has no use for what the command line needs.
    if (ProcessLauncher.TryRun(args, out int exitCode)) return exitCode;
    return AllotCommand.Invoke(args);
}
