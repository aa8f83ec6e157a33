using Allot.Cli;
using Allot.Processes.Launching;

// The launcher is this program in a hidden mode: nothing native has to be built.
if (LauncherMode.IsRequested(args)) return LauncherMode.Run(args);
return AllotCommand.Invoke(args);
