// A group of real processes: a command and its descendants.
//
// Order of the start: the cgroup, the launcher (which joins it and installs the filter), the supervisor, and only then
// the command. Order of the end: the command, what outlives it, the last reading, the supervisor, the cgroup. Every
// failure on the way undoes what was done before it.

using System.Diagnostics;
using Allot.Processes.Cgroups;
using Allot.Processes.Launching;
using Allot.Processes.Native;
using Allot.Processes.Observation;
using Allot.Processes.Supervision;

namespace Allot.Processes;

/// <summary>A command and its descendants, in a memory group with limits on kernel, pinned and ordinary
/// memory.</summary>
/// <remarks>Linux on x86-64 and arm64. Members are safe to call from any thread, but only one thread waits. One
/// program may have any number of groups at once.</remarks>
public sealed class ProcessGroup : IDisposable
{
    private readonly ProcessGroupOptions _options;
    private readonly MemoryCgroup? _cgroup;
    private readonly IMembers _members;
    private readonly Supervisor _supervisor;
    private readonly LaunchedProcess _process;
    private readonly ChildSubreaper? _reaper;
    private readonly long _started = Stopwatch.GetTimestamp();
    private ProcessGroupReport? _report;

    private ProcessGroup(
        ProcessGroupOptions options, MemoryGroup group, MemoryCgroup? cgroup, IMembers members, Supervisor supervisor,
        LaunchedProcess process, ChildSubreaper? reaper)
    {
        _options = options;
        Group = group;
        _cgroup = cgroup;
        _members = members;
        _supervisor = supervisor;
        _process = process;
        _reaper = reaper;
    }

    /// <summary>The counters, limits and events of the group, kept equal to what the kernel reports. Limits may be
    /// changed while the command runs, except that a limit which was not set at the start intercepts nothing and
    /// never acts.
    /// </summary>
    public MemoryGroup Group { get; }

    /// <summary>The process id of the command.</summary>
    public int ProcessId => _process.Pid;

    /// <summary>Runs a command in a new group. Returns once the command has been executed.</summary>
    /// <exception cref="ArgumentException">The command is empty, or the name cannot be a name.</exception>
    /// <exception cref="InvalidOperationException">The parent has a group of that name, or was removed.</exception>
    /// <exception cref="ProcessGroupException">It cannot be run; the message says why and what to do.</exception>
    public static ProcessGroup Start(ProcessGroupOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Command.Count == 0) throw new ArgumentException("The command is empty.", nameof(options));
        SyscallTable numbers = Platform.RequireSupported();

        MemoryGroup parent = options.Parent ?? new MemoryController(options: new() { ReservesMaxBytes = 0 }).Root;
        MemoryGroup group = parent.CreateChild(options.EffectiveName, new MemoryGroupOptions
        {
            KernelMaxBytes = options.KernelMaxBytes,
            PinsMaxBytes = options.PinsMaxBytes,
        });
        MemoryCgroup? cgroup = null;
        Supervisor? supervisor = null;
        LaunchedProcess? process = null;
        ChildSubreaper? reaper = null;
        try
        {
            cgroup = CreateCgroup(options);
            if (options.LimitsMemory) cgroup!.SetMemoryMax(options.MemoryMaxBytes);
            CallTable? calls = options.LimitsKernel || options.LimitsPins
                ? CallTable.Create(numbers, options.LimitsKernel, options.LimitsPins)
                : null;
            if (options.LimitsPins) Rehearsal.Begin(calls!, numbers);
            process = Launcher.Start(new LaunchPlan
            {
                Command = options.Command,
                Launcher = LauncherOf(options),
                CgroupProcsFiles = cgroup is null ? [] : [cgroup.ProcsFile],
                Filter = calls?.Filter,
            });
            if (cgroup is null && options.OwnsAllDescendants) reaper = ChildSubreaper.Become();
            supervisor = new Supervisor(new SupervisorParts
            {
                Group = group,
                Members = FindMembers(options, cgroup, process.Pid),
                Cgroup = cgroup,
                Calls = calls,
                DeniesIoUring = options.LimitsKernel && !options.AllowsIoUring,
            });
            options.Log?.Invoke(calls is null
                ? "nothing is intercepted: no limit needs it"
                : $"the filter has {calls.Filter.Instructions.Length} instructions");
            supervisor.Start(process.Listener);
            process.Exec();
            options.Log?.Invoke($"process {process.Pid} runs");

            // Its own: the supervisor reads at the same time, until the end.
            IMembers members = FindMembers(options, cgroup, process.Pid);
            return new ProcessGroup(options, group, cgroup, members, supervisor, process, reaper);
        }
        catch (Exception failure)
        {
            supervisor?.Dispose();
            process?.Dispose();
            reaper?.Dispose();
            cgroup?.Dispose();
            group.Remove();
            if (failure is LaunchException launch) throw Translate(launch, options);
            if (failure is not IOException) throw;
            throw new ProcessGroupException(ProcessGroupFailure.Unavailable, failure.Message, failure);
        }
    }

    /// <summary>Sends a signal to the command (not to its descendants).</summary>
    /// <param name="signal">The number of the signal.</param>
    /// <returns>False when the command has ended.</returns>
    /// <exception cref="InvalidOperationException">The kernel refused: no such signal, or no permission.</exception>
    public bool SendSignal(int signal) => _process.SendSignal(signal);

    /// <summary>Waits until the command has ended, ends what outlives it, removes the cgroup, and reports. Later calls
    /// return the same report.</summary>
    public ProcessGroupReport WaitForExit()
    {
        if (_report is not null) return _report;
        ExitStatus status = _process.Wait();
        TimeSpan duration = Stopwatch.GetElapsedTime(_started);
        try
        {
            // Without a cgroup, the command's number alone would lead to strangers now: it may be somebody else's
            // already.
            bool knowsMembers = _cgroup is not null || _options.OwnsAllDescendants;
            int leftovers = knowsMembers ? Leftovers.End(_members, _cgroup, _options.LeftoverGrace) : 0;
            _supervisor.SampleNow();
            SupervisionReport seen = _supervisor.Read();
            _supervisor.Dispose();
            _report = ReportBuilder.Build(_options, _cgroup, seen, new GroupEnding(status, duration, leftovers));
            return _report;
        }
        finally
        {
            _supervisor.Dispose();
            _process.Dispose();
            _reaper?.Dispose();
            Group.Remove();
            _cgroup?.Dispose();
        }
    }

    /// <summary>Ends the command if it still runs, and does all that <see cref="WaitForExit"/> does.</summary>
    public void Dispose()
    {
        if (_report is not null) return;
        _ = _process.SendSignal(SignalNumber.SIGKILL);
        _ = WaitForExit();
    }

    // Without --kernel-max and --memory-max a cgroup only measures, and its absence is no failure.
    private static MemoryCgroup? CreateCgroup(ProcessGroupOptions options)
    {
        bool required = options.LimitsKernel || options.LimitsMemory;
        try
        {
            MemoryCgroup cgroup = MemoryCgroup.Create(options.EffectiveName, needsKernelBytes: options.LimitsKernel);
            options.Log?.Invoke($"cgroup version {cgroup.Version}: {cgroup.Path}");
            return cgroup;
        }
        catch (CgroupUnavailableException unavailable) when (required)
        {
            string limits = (options.LimitsKernel, options.LimitsMemory) switch
            {
                (true, true) => "--kernel-max and --memory-max need",
                (true, false) => "--kernel-max needs",
                _ => "--memory-max needs",
            };
            throw new ProcessGroupException(
                ProcessGroupFailure.Unavailable, $"{limits} a memory cgroup. {unavailable.Message}", unavailable);
        }
        catch (CgroupUnavailableException unavailable)
        {
            options.Log?.Invoke($"no cgroup, so memory and kernel memory are not measured: {unavailable.Message}");
            return null;
        }
    }

    private static LauncherCommand? LauncherOf(ProcessGroupOptions options) =>
        options.Launcher is { Count: > 0 } launcher ? new LauncherCommand(launcher[0], [.. launcher.Skip(1)]) : null;

    private static IMembers FindMembers(ProcessGroupOptions options, MemoryCgroup? cgroup, int commandId)
    {
        if (cgroup is not null) return new CgroupMembers(cgroup);
        return options.OwnsAllDescendants
            ? new DescendantMembers(Environment.ProcessId, includesItself: false)
            : new DescendantMembers(commandId, includesItself: true);
    }

    private static ProcessGroupException Translate(LaunchException launch, ProcessGroupOptions options)
    {
        ProcessGroupFailure failure = (launch.Stage, launch.Errno) switch
        {
            (LaunchStage.Exec, Errno.ENOENT or Errno.ENOTDIR) => ProcessGroupFailure.CommandNotFound,
            (LaunchStage.Exec, Errno.ENOMEM or Errno.EAGAIN or 0) => ProcessGroupFailure.Unavailable,
            (LaunchStage.Exec, _) => ProcessGroupFailure.CommandNotExecutable,
            _ => ProcessGroupFailure.Unavailable,
        };
        bool tooSmall = launch is { Stage: LaunchStage.Exec, Errno: Errno.ENOMEM } && options.LimitsKernel;
        string hint = tooSmall
            ? $" The kernel memory limit of {options.KernelMaxBytes} bytes has no room for the command: raise it."
            : "";
        return new ProcessGroupException(failure, launch.Message + hint, launch);
    }
}
