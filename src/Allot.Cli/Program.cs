using Allot.Processes.Launching;

if (LauncherMode.IsRequested(args)) return LauncherMode.Run(args);
return 0;
