using Allot.Cli;
using Allot.Processes;

// What follows is in a class of its own: a launcher has no use for the libraries that it would load.
if (ProcessLauncher.TryRun(args, out int exitCode)) return exitCode;
return AllotCommand.Invoke(args);
