using Allot.Processes.Native;
using Allot.Processes.Seccomp;
using Microsoft.Win32.SafeHandles;

namespace Allot.Processes.Launching;

/// <summary>
/// A launched command: first its launcher, holding; after <see cref="Exec"/> the command itself, the same process.
/// </summary>
internal sealed unsafe class LaunchedProcess : IDisposable
{
    private readonly SafeFileHandle _pidFd;
    private readonly SafeFileHandle _control;
    private readonly LaunchPlan _plan;
    private readonly Lock _waitLock = new();
    private ExitStatus? _status;
    private bool _released;

    private LaunchedProcess(int pid, int pidFd, int control, LaunchPlan plan)
    {
        Pid = pid;
        _pidFd = new SafeFileHandle(pidFd, ownsHandle: true);
        _control = new SafeFileHandle(control, ownsHandle: true);
        _plan = plan;
    }

    /// <summary>The process id, of the launcher and of the command.</summary>
    public int Pid { get; }

    /// <summary>A descriptor of the process, readable for poll when it has ended. Owned by this object.</summary>
    public int PidFd => (int)_pidFd.DangerousGetHandle();

    /// <summary>The listener of the plan's filter; null without one. Disposed with this object.</summary>
    public SeccompListener? Listener { get; private set; }

    /// <summary>
    /// Lets the launcher become the command and waits until it has. By now another thread must be answering
    /// <see cref="Listener"/>, since the exec itself may be intercepted.
    /// </summary>
    /// <exception cref="LaunchException">
    /// The command cannot be executed (<see cref="LaunchStage.Exec"/>), and why.
    /// </exception>
    /// <exception cref="InvalidOperationException">Called twice.</exception>
    public void Exec()
    {
        if (_released) throw new InvalidOperationException("The command was released already.");
        _released = true;
        byte go = 1;
        int control = (int)_control.DangerousGetHandle();
        // End of file is the sign of success: the control socket was closed by the exec. Or the process died, which
        // is for Wait to tell.
        if (ControlSocket.TrySend(control, &go, 1)
            && ControlSocket.TryReceiveReply(control, out ControlSocket.Reply reply, out _))
        {
            throw Failure(reply);
        }
        _control.Dispose();
    }

    /// <summary>Waits for the end of the process and reaps it. Later calls return the same.</summary>
    /// <exception cref="InvalidOperationException">Other code of this process reaped it.</exception>
    public ExitStatus Wait()
    {
        _ = TryWait(LibC.WEXITED, out ExitStatus status);
        return status;
    }

    /// <summary>Like <see cref="Wait"/>, without waiting: false while the process runs.</summary>
    /// <exception cref="InvalidOperationException">Other code of this process reaped it.</exception>
    public bool TryWait(out ExitStatus status) => TryWait(LibC.WEXITED | LibC.WNOHANG, out status);

    /// <summary>Sends a signal to the process. False when it has ended.</summary>
    /// <exception cref="InvalidOperationException">The kernel refused: no such signal, or no permission.</exception>
    public bool SendSignal(int signal)
    {
        if (LibC.PidFdSendSignal(PidFd, signal) == 0) return true;
        if (Errno.Last == Errno.ESRCH) return false;
        throw new InvalidOperationException(
            $"Cannot send signal {signal} to process {Pid}: {Errno.Describe(Errno.Last)}.");
    }

    /// <summary>
    /// Closes the descriptors. A process that was never released is ended and reaped; a command that runs is left
    /// alone.
    /// </summary>
    public void Dispose()
    {
        if (_pidFd.IsClosed) return;
        if (!_released && _status is null)
        {
            _ = LibC.PidFdSendSignal(PidFd, SignalNumber.SIGKILL);
            _ = Wait();
        }
        Listener?.Dispose();
        _control.Dispose();
        _pidFd.Dispose();
    }

    /// <summary>Takes over a spawned launcher. On failure it is killed and reaped.</summary>
    internal static LaunchedProcess Adopt(int pid, int control, LaunchPlan plan)
    {
        int pidFd = LibC.PidFdOpen(pid);
        if (pidFd >= 0) return new LaunchedProcess(pid, pidFd, control, plan);

        int errno = Errno.Last;
        _ = LibC.Kill(pid, SignalNumber.SIGKILL);
        LibC.ChildInfo info;
        _ = LibC.WaitId(LibC.P_PID, pid, &info, LibC.WEXITED);
        _ = LibC.Close(control);
        throw LaunchException.ForStage(
            LaunchStage.Start,
            errno,
            "Cannot open a descriptor of the launcher (pidfd_open, which a container may forbid)");
    }

    /// <summary>Sends the plan and waits for the launcher to be ready.</summary>
    internal void Prepare(byte[] message)
    {
        int control = (int)_control.DangerousGetHandle();
        ControlSocket.Reply reply;
        int listener;
        fixed (byte* bytes = message)
        {
            // A launcher that fails to read its plan is dead, and that is what receiving tells.
            _ = ControlSocket.TrySend(control, bytes, (nuint)message.Length);
        }
        if (!ControlSocket.TryReceiveReply(control, out reply, out listener)) throw Ended();
        if (reply.Failed != 0) throw Failure(reply);
        if ((listener < 0) != (_plan.Filter is null))
        {
            throw new LaunchException(LaunchStage.HandOver, 0, "The launcher is ready, but not its listener.");
        }
        if (listener >= 0) Listener = new SeccompListener(listener);
    }

    private LaunchException Ended() =>
        new(
            LaunchStage.Start,
            0,
            $"The launcher '{_plan.Launcher?.File ?? Environment.ProcessPath}' ended ({Wait()}) before it was ready.");

    private LaunchException Failure(ControlSocket.Reply reply)
    {
        string what = reply.Stage switch
        {
            LaunchStage.JoinCgroup => $"Cannot join the cgroup through '{_plan.CgroupProcsFiles[reply.Index]}'",
            LaunchStage.NoNewPrivileges => "Cannot set no_new_privs",
            LaunchStage.InstallFilter when reply.Errno == Errno.EBUSY =>
                "Cannot install the filter: a program above has a seccomp listener already, and the kernel allows one",
            LaunchStage.InstallFilter =>
                $"Cannot install the filter of {_plan.Filter!.Instructions.Length} instructions " +
                "(needs a kernel with seccomp filters, and a container that does not forbid them)",
            LaunchStage.HandOver => "Cannot hand over the listener",
            LaunchStage.Exec => $"Cannot execute '{_plan.Command[0]}'",
            _ => "The launcher failed",
        };
        _ = Wait(); // it exits by itself after it has said so
        return LaunchException.ForStage(reply.Stage, reply.Errno, what);
    }

    private bool TryWait(int options, out ExitStatus status)
    {
        lock (_waitLock)
        {
            if (_status is null)
            {
                LibC.ChildInfo info;
                do
                {
                    info = default;
                }
                while (LibC.WaitId(LibC.P_PIDFD, PidFd, &info, options) < 0 && Retry());

                if (info.Pid != 0)
                {
                    bool exited = info.Code == LibC.CLD_EXITED;
                    _status = exited ? new ExitStatus(info.Status, 0) : new ExitStatus(0, info.Status);
                }
            }
            status = _status.GetValueOrDefault();
            return _status is not null;
        }
    }

    private bool Retry()
    {
        if (Errno.Last == Errno.EINTR) return true;
        throw new InvalidOperationException($"Cannot wait for process {Pid}: {Errno.Describe(Errno.Last)}.");
    }
}
