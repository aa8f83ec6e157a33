// Signals sent to Allot are meant for the command.
//
// Allot and the command share a process group, so what the terminal sends (Ctrl-C, Ctrl-\, Ctrl-Z, a resize, a hang-up)
// reaches both without our help: Ctrl-C and Ctrl-\ are then only survived here, and Ctrl-Z stops Allot with its
// command,
// as a shell expects of a job. What is sent to Allot alone is passed on.

using System.Runtime.InteropServices;
using Allot.Processes;
using Allot.Processes.Launching;
using Allot.Processes.Native;

namespace Allot.Cli.Run;

/// <summary>Passes signals on to the command, from before it starts until it has been reported.</summary>
internal sealed class SignalForwarder : IDisposable
{
    private static readonly (PosixSignal Signal, int Number)[] s_forwarded =
    [
        (PosixSignal.SIGINT, SignalNumber.SIGINT),
        (PosixSignal.SIGQUIT, SignalNumber.SIGQUIT),
        (PosixSignal.SIGTERM, SignalNumber.SIGTERM),
        (PosixSignal.SIGHUP, SignalNumber.SIGHUP),
        ((PosixSignal)SignalNumber.SIGUSR1, SignalNumber.SIGUSR1),
        ((PosixSignal)SignalNumber.SIGUSR2, SignalNumber.SIGUSR2),
    ];

    private readonly Lock _gate = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly List<int> _early = [];
    private ProcessGroup? _group;

    public SignalForwarder()
    {
        ulong ignored = InheritedState.OfThisProcess().IgnoredSignals;
        foreach ((PosixSignal signal, int number) in s_forwarded)
        {
            // What was ignored for us (nohup, a background job) stays ignored, and is so for the command as well.
            if ((ignored & SignalNumber.Bit(number)) != 0) continue;
            _registrations.Add(PosixSignalRegistration.Create(signal, context => Handle(context, number)));
        }
    }

    /// <summary>From here on signals go to the command of this group, those that came before included.</summary>
    public void ForwardTo(ProcessGroup group)
    {
        lock (_gate)
        {
            _group = group;
            foreach (int number in _early) group.SendSignal(number);
            _early.Clear();
        }
    }

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations) registration.Dispose();
    }

    private void Handle(PosixSignalContext context, int number)
    {
        context.Cancel = true;
        if (number is SignalNumber.SIGINT or SignalNumber.SIGQUIT && Terminal.IsForeground()) return;
        lock (_gate)
        {
            if (_group is null)
            {
                _early.Add(number);
            }
            else
            {
                _group.SendSignal(number);
            }
        }
    }
}
