// The hidden mode in which the program is the launcher: it reads its plan, prepares, and becomes the command.
//
// Order matters. Everything that can fail or allocate comes first. The cgroup is joined late, so that the group is not
// charged for this runtime's memory. From the filter on, this thread makes only calls that were made once before (so
// that nothing is compiled, resolved or allocated under the filter), and until the supervisor says go nobody answers
// an intercepted call. Only this thread has the filter: the runtime's other threads end with the exec, which makes
// this thread the whole process.
//
// The supervisor may die at any time: then the control socket ends, and so do we.

using System.Globalization;
using System.Text;
using Allot.Processes.Native;
using Allot.Processes.Seccomp;
using Reply = Allot.Processes.Launching.ControlSocket.Reply;

namespace Allot.Processes.Launching;

/// <summary>The launcher's side of a launch.</summary>
internal static unsafe class LauncherMode
{
    private const string ModeName = "__launch";
    private const int FailedExitCode = 125;

    /// <summary>Whether a program's arguments ask for this mode. Ask before anything else.</summary>
    public static bool IsRequested(string[] args) => args.Length == 2 && args[0] == ModeName;

    /// <summary>Prepares and becomes the command. Returns only if that fails, with the exit code.</summary>
    public static int Run(string[] args)
    {
        // A person may have typed it, with any descriptor of the runtime's behind the number: reading that could take
        // for ever.
        if (!CommandEnvironment.IsLauncher
            || !int.TryParse(args[1], NumberStyles.None, CultureInfo.InvariantCulture, out int control)
            || !ControlSocket.IsConnected(control)
            || LibC.Fcntl(control, LibC.F_SETFD, LibC.FD_CLOEXEC) < 0)
        {
            Say($"'{ModeName}' is how Allot starts itself; use 'allot run'.");
            return FailedExitCode;
        }
        int bodyBytes;
        if (!ControlSocket.TryReceive(control, &bodyBytes, sizeof(int))) return FailedExitCode; // nobody there
        if (bodyBytes is < 0 or > PlanMessage.BodyBytesMax) return Malformed();
        byte[] body = new byte[bodyBytes];
        fixed (byte* bytes = body)
        {
            if (bodyBytes > 0 && !ControlSocket.TryReceive(control, bytes, (nuint)bodyBytes)) return FailedExitCode;
            if (!PlanMessage.IsWellFormed(body)) return Malformed();
            Launch(control, bytes, bodyBytes);
        }
        return FailedExitCode;
    }

    /// <summary>The arguments that ask for this mode.</summary>
    internal static string[] Arguments(int control) => [ModeName, control.ToString(CultureInfo.InvariantCulture)];

    private static int Malformed()
    {
        Say("the launcher was given a plan that it does not understand: is it another version of this program?");
        return FailedExitCode;
    }

    private static void Say(string message)
    {
        const int StandardError = 2;
        byte[] line = Encoding.UTF8.GetBytes($"allot: {message}\n");
        fixed (byte* bytes = line) _ = LibC.Write(StandardError, bytes, (nuint)line.Length);
    }

    private static void Launch(int control, byte* body, int bodyBytes)
    {
        var header = (PlanMessage.Header*)body;
        byte* strings = body + sizeof(PlanMessage.Header) + header->InstructionCount * BpfInstruction.Bytes;
        byte* end = body + bodyBytes;

        // Pointer tables: each null-ended.
        byte*[] table = new byte*[header->CgroupCount + 1 + header->ArgumentCount + 1 + header->EnvironmentCount + 1];
        fixed (byte** cgroups = table)
        {
            byte** arguments = cgroups + header->CgroupCount + 1;
            byte** environment = arguments + header->ArgumentCount + 1;
            byte* next = PointInto(cgroups, header->CgroupCount, strings, end);
            next = PointInto(arguments, header->ArgumentCount, next, end);
            _ = PointInto(environment, header->EnvironmentCount, next, end);

            WarmUp(environment + header->EnvironmentCount);
            Restore(header);
            if (!JoinCgroups(control, cgroups)) return;
            FilterAndExec(control, header, arguments, environment);
        }
    }

    private static byte* PointInto(byte** table, int count, byte* next, byte* end)
    {
        for (int i = 0; i < count; i++)
        {
            table[i] = next;
            next += new ReadOnlySpan<byte>(next, (int)(end - next)).IndexOf((byte)0) + 1;
        }
        table[count] = null;
        return next;
    }

    // Makes, in a way that fails harmlessly, every call that FilterAndExec will make under the filter.
    private static void WarmUp(byte** emptyTable)
    {
        byte nothing = 0;
        _ = ControlSocket.SendReply(-1, Reply.Failure(LaunchStage.Exec, 0), 0);
        _ = ControlSocket.TryReceive(-1, &nothing, 1);
        _ = LibC.Close(-1);
        _ = LibC.Seccomp(uint.MaxValue, 0, null);
        _ = LibC.ExecVpe(&nothing, emptyTable, emptyTable);
        _ = Errno.Last;
    }

    // Undoes what the runtime changed and exec would hand on. Handlers need nothing: exec resets them.
    private static void Restore(PlanMessage.Header* header)
    {
        if (header->RestoreOpenFiles != 0)
        {
            LibC.ResourceLimit limit;
            if (LibC.PrLimit(0, LibC.RLIMIT_NOFILE, null, &limit) == 0)
            {
                limit.Soft = Math.Min(header->OpenFilesSoftLimit, limit.Hard);
                _ = LibC.PrLimit(0, LibC.RLIMIT_NOFILE, &limit, null);
            }
        }
        for (int signal = 1; signal <= SignalNumber.Highest; signal++)
        {
            bool ignore = (header->IgnoredSignals & SignalNumber.Bit(signal)) != 0;
            LibC.KernelSignalAction action;
            if (LibC.SignalAction(signal, null, &action) < 0 || (action.Handler == LibC.SIG_IGN) == ignore) continue;
            action = default;
            action.Handler = ignore ? LibC.SIG_IGN : LibC.SIG_DFL;
            _ = LibC.SignalAction(signal, &action, null);
        }
        _ = LibC.SetSignalMask(header->BlockedSignals);
    }

    private static bool JoinCgroups(int control, byte** files)
    {
        byte self = (byte)'0'; // the writer
        for (int i = 0; files[i] != null; i++)
        {
            int fd = LibC.Open(files[i], LibC.O_WRONLY | LibC.O_CLOEXEC, 0);
            bool joined = fd >= 0 && LibC.Write(fd, &self, 1) == 1;
            int errno = Errno.Last;
            if (fd >= 0) _ = LibC.Close(fd);
            if (joined) continue;
            _ = ControlSocket.SendReply(control, Reply.Failure(LaunchStage.JoinCgroup, errno, i), -1);
            return false;
        }
        return true;
    }

    private static void FilterAndExec(int control, PlanMessage.Header* header, byte** arguments, byte** environment)
    {
        int listener = -1;
        if (header->InstructionCount > 0)
        {
            if (LibC.Prctl(LibC.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
            {
                _ = ControlSocket.SendReply(control, Reply.Failure(LaunchStage.NoNewPrivileges, Errno.Last), -1);
                return;
            }
            LibC.FilterProgram program = default;
            program.InstructionCount = (ushort)header->InstructionCount;
            program.Instructions = header + 1;

            // WAIT_KILLABLE_RECV: once received, only a fatal signal takes the caller out of the call. Kernels before
            // 5.19 do not know it; there an interrupted call is notified again.
            const uint Listener = LibC.SECCOMP_FILTER_FLAG_NEW_LISTENER;
            const uint Killable = LibC.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
            listener = LibC.Seccomp(LibC.SECCOMP_SET_MODE_FILTER, Listener | Killable, &program);
            if (listener < 0 && Errno.Last == Errno.EINVAL)
            {
                listener = LibC.Seccomp(LibC.SECCOMP_SET_MODE_FILTER, Listener, &program);
            }
            if (listener < 0)
            {
                _ = ControlSocket.SendReply(control, Reply.Failure(LaunchStage.InstallFilter, Errno.Last), -1);
                return;
            }
        }

        int sendError = ControlSocket.SendReply(control, Reply.Ready, listener);
        if (sendError != 0)
        {
            _ = ControlSocket.SendReply(control, Reply.Failure(LaunchStage.HandOver, sendError), -1);
            LibC.ExitNow(FailedExitCode);
        }
        if (listener >= 0) _ = LibC.Close(listener);

        byte go;
        if (ControlSocket.TryReceive(control, &go, 1))
        {
            _ = LibC.ExecVpe(arguments[0], arguments, environment);
            _ = ControlSocket.SendReply(control, Reply.Failure(LaunchStage.Exec, Errno.Last), -1);
        }
        LibC.ExitNow(FailedExitCode);
    }
}
