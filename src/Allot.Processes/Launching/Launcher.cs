// Starts a command through a launcher: a second, short-lived process of this program that makes itself ready (joins the
// cgroups, installs the filter), and then becomes the command by exec. A .NET process cannot fork, so the steps between
// fork and exec happen in that process's Main; see LauncherMode.
//
// The launcher stays in our process group and session and has our standard files, and so has the command. It inherits
// every descriptor that is not closed on exec, which includes none of ours.

using System.Text;
using Allot.Processes.Native;

namespace Allot.Processes.Launching;

/// <summary>Starts commands.</summary>
internal static unsafe class Launcher
{
    /// <summary>
    /// Starts a launcher and waits until it is ready and holds: in its cgroups, with the filter on. The command does
    /// not run before <see cref="LaunchedProcess.Exec"/>.
    /// </summary>
    /// <remarks>Two steps, because exec and what follows may be intercepted: somebody must receive first.</remarks>
    /// <exception cref="LaunchException">A step failed; nothing is left running.</exception>
    /// <exception cref="ArgumentException">The command is empty, or an argument contains a zero character.</exception>
    /// <exception cref="InvalidOperationException">
    /// This process was itself started as a launcher: its Main does not ask <see cref="LauncherMode.IsRequested"/>
    /// first.
    /// </exception>
    public static LaunchedProcess Start(LaunchPlan plan)
    {
        if (plan.Command.Count == 0) throw new ArgumentException("The command is empty.", nameof(plan));
        if (CommandEnvironment.IsLauncher)
        {
            // Going on would start launchers without end.
            throw new InvalidOperationException(
                "This program was started as a launcher and did not become one: its Main must begin with " +
                "'if (LauncherMode.IsRequested(args)) return LauncherMode.Run(args);'.");
        }
        LauncherCommand launcher = plan.Launcher ?? LauncherCommand.ThisProgram();
        List<byte[]> environment = CommandEnvironment.OfThisProcess();
        byte[] message = PlanMessage.Encode(plan, environment);

        ReapableChildren.Ensure();
        int* pair = stackalloc int[2];
        if (LibC.SocketPair(LibC.AF_UNIX, LibC.SOCK_STREAM | LibC.SOCK_CLOEXEC, 0, pair) < 0)
        {
            throw LaunchException.ForStage(LaunchStage.Start, Errno.Last, "Cannot create the control socket");
        }
        int control = pair[0];
        int pid;
        try
        {
            pid = Spawn(launcher, CommandEnvironment.ForLauncher(environment), pair[1]);
        }
        catch
        {
            _ = LibC.Close(control);
            throw;
        }
        finally
        {
            _ = LibC.Close(pair[1]);
        }

        LaunchedProcess process = LaunchedProcess.Adopt(pid, control, plan);
        try
        {
            process.Prepare(message);
            return process;
        }
        catch
        {
            process.Dispose();
            throw;
        }
    }

    /// <summary>Starts a program as a launcher that listens on a control socket. Returns its process id.</summary>
    internal static int Spawn(LauncherCommand launcher, List<byte[]> environment, int controlEnd)
    {
        List<byte[]> arguments = [Encoding.UTF8.GetBytes(launcher.File)];
        foreach (string argument in launcher.Arguments) arguments.Add(Encoding.UTF8.GetBytes(argument));
        foreach (string argument in LauncherMode.Arguments(controlEnd)) arguments.Add(Encoding.UTF8.GetBytes(argument));
        using var argv = new NativeStrings(arguments);
        using var envp = new NativeStrings(environment);
        using var path = new NativeStrings([arguments[0]]);

        byte* attributes = stackalloc byte[LibC.SpawnObjectBytes];
        byte* actions = stackalloc byte[LibC.SpawnObjectBytes];
        byte* noSignals = stackalloc byte[LibC.SignalSetBytes];
        new Span<byte>(noSignals, LibC.SignalSetBytes).Clear();
        _ = LibC.SpawnAttributesInit(attributes);
        _ = LibC.SpawnActionsInit(actions);
        try
        {
            // The launcher is a .NET program, which cannot run with its own signals blocked.
            _ = LibC.SpawnAttributesSetFlags(attributes, LibC.POSIX_SPAWN_SETSIGMASK);
            _ = LibC.SpawnAttributesSetSignalMask(attributes, noSignals);
            // Copied onto itself, a descriptor only loses close-on-exec. Its number is taken here, so no other has it.
            int errno = LibC.SpawnActionsAddDup2(actions, controlEnd, controlEnd);
            int pid = 0;
            if (errno == 0)
            {
                errno = LibC.Spawn(&pid, path.Pointers[0], actions, attributes, argv.Pointers, envp.Pointers);
            }
            if (errno == 0) return pid;
            throw LaunchException.ForStage(LaunchStage.Start, errno, $"Cannot start the launcher '{launcher.File}'");
        }
        finally
        {
            _ = LibC.SpawnActionsDestroy(actions);
            _ = LibC.SpawnAttributesDestroy(attributes);
        }
    }
}
