using Allot.Processes.Cgroups;
using Allot.Processes.Native;
using Allot.Processes.Supervision;

namespace Allot.Processes;

/// <summary>Puts together what the kernel, the supervisor and the command's end tell, and removes the cgroup.</summary>
internal static class ReportBuilder
{
    public static ProcessGroupReport Build(
        ProcessGroupOptions options, MemoryCgroup? cgroup, SupervisionReport seen, GroupEnding ending)
    {
        OomEvents? oom = Read<OomEvents>(() => cgroup?.ReadOomEvents());
        return new ProcessGroupReport
        {
            Group = options.EffectiveName,
            Command = options.Command,
            ExitCode = ending.Status.ShellCode,
            Signal = ending.Status.Signal == 0 ? null : ending.Status.Signal,
            DurationMilliseconds = Math.Round(ending.Duration.TotalMilliseconds, 3),
            Memory = new MemoryUse
            {
                MaxBytes = Limit(options.MemoryMaxBytes),
                PeakBytes = Read<long>(() => cgroup?.ReadMemoryPeakBytes()),
                CurrentBytes = Read<long>(() => cgroup?.ReadMemoryBytes()),
                Refused = oom?.OutOfMemory ?? oom?.Killed ?? 0,
                OomKills = oom?.Killed ?? 0,
            },
            Kernel = new KernelUse
            {
                MaxBytes = Limit(options.KernelMaxBytes),
                PeakBytes = Read<long>(() => cgroup?.ReadKernelPeakBytes()) ?? seen.KernelPeakBytes,
                CurrentBytes = seen.KernelBytes,
                Refused = seen.KernelRefusals,
                ByKind = seen.KernelByKind.ToDictionary(static part => part.Kind, static part => part.Bytes),
                Readings = seen.KernelReadings,
            },
            Pins = new PinUse
            {
                MaxBytes = Limit(options.PinsMaxBytes),
                PeakBytes = seen.PinPeakBytes,
                CurrentBytes = seen.PinBytes,
                Refused = seen.PinRefusals,
                LockedPeakBytes = seen.LockedPeakBytes,
                PinnedPeakBytes = seen.PinnedPeakBytes,
            },
            Refusals =
            [
                .. seen.Refusals.Select(static row => new CallRefusals
                {
                    Call = row.Call,
                    Errno = Errno.Name(row.Errno),
                    Count = row.Count,
                }),
            ],
            Notifications = new NotificationTimes
            {
                Count = seen.Notifications,
                MedianMicroseconds = Math.Round(seen.MedianMicroseconds, 2),
                NinetyNinthMicroseconds = Math.Round(seen.NinetyNinthMicroseconds, 2),
            },
            Cgroup = cgroup is null ? null : Remove(cgroup),
            LeftoverProcesses = ending.Leftovers,
        };
    }

    // Null when somebody has removed the cgroup: there is nothing to read any more.
    private static T? Read<T>(Func<T?> read)
        where T : struct
    {
        try
        {
            return read();
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static long? Limit(long bytes) => bytes == MemoryGroup.Unlimited ? null : bytes;

    private static CgroupFate Remove(MemoryCgroup cgroup)
    {
        RemoveResult result = cgroup.Remove();
        return new CgroupFate
        {
            Version = cgroup.Version,
            Path = cgroup.Path,
            Removed = result.IsRemoved,
            LeftBehind = result.IsRemoved ? null : result.ToString(),
        };
    }
}
