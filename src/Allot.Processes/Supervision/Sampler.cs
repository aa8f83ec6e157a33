// Reads everything that is limited or shown again, member by member. A sample of many members takes long, so it comes
// in parts, and calls are decided between two of them.
//
// Why no charge is lost or counted twice: a part carries no amount over to the next one, only numbers of processes and
// threads. What a limit charges is the sum over its processes (and calls), and each of these has its own account, which
// is brought up to date within one part: by a sample (everything the kernel shows now), or by a call (what it will add,
// on top of a reading made for it). Whichever comes second starts from what the first has left, and setting an account
// to what the kernel shows is the same once or twice. A process that came or went in between is found, or not, by the
// next part. In the middle of a sample the sum is of readings of different moments, as it is between two samples: it
// may be too high by what a member gave back since it was read, never too low by what was intercepted. A call that does
// not fit has everything read again without a break before it is refused.

using Allot.Processes.Cgroups;
using Allot.Processes.Observation;

namespace Allot.Processes.Supervision;

/// <summary>Takes the samples of one supervisor. Not thread-safe: the supervisor serialises parts and calls, and
/// finishes one sample before it begins the next.</summary>
internal sealed class Sampler
{
    private readonly MemoryCgroup? _cgroup;
    private readonly IMembers _members;
    private readonly MemoryCounter _kernelCounter;
    private readonly KernelLimit? _kernel;
    private readonly PinLimit _pins;
    private readonly MirroredCharge _user;
    private long _kindsReadAtBytes;

    public Sampler(SupervisorParts parts, KernelLimit? kernel, PinLimit pins)
    {
        _cgroup = parts.Cgroup;
        _members = parts.Members;
        _kernelCounter = parts.Group.Kernel;
        _kernel = kernel;
        _pins = pins;
        _user = new MirroredCharge(parts.Group, MemoryKind.User);
    }

    /// <summary>What the kernel memory was made of when it was at its most, to a tenth.</summary>
    public IReadOnlyList<(string Kind, long Bytes)> KernelByKind { get; private set; } = [];

    /// <summary>A sample. It is taken by enumerating: after each part, a process or thread that was looked at, calls
    /// may be decided.</summary>
    /// <param name="discover">Whether to look at members that are not known to hold pins, too.</param>
    public IEnumerable<int> Parts(bool discover)
    {
        if (_kernel is not null)
        {
            foreach (int threadId in _kernel.RefreshInParts()) yield return threadId;
        }

        foreach (int pid in _pins.RefreshInParts(discover)) yield return pid;

        SampleUserMemory();
        if (!HasKernelGrown()) yield break;
        _kindsReadAtBytes = _kernel!.LastReadingBytes;
        if (ReadKinds() is not { } kinds) yield break;
        if (_cgroup!.Version == 1)
        {
            long bytes = 0;
            foreach (int pid in ReadMembers())
            {
                if (ProcessStatus.TryRead(pid, out ProcessStatus status)) bytes += status.PageTableBytes;
                yield return pid;
            }

            kinds.Add(("pagetables", bytes));   // which this version does not tell
        }

        KernelByKind = kinds;
    }

    /// <summary>Takes everything back that was charged: the group ends.</summary>
    public void Release() => _user.Set(0);

    // A snapshot whenever kernel memory has grown by a tenth: enough to tell what it was at the most, at little cost.
    private bool HasKernelGrown() =>
        _cgroup is not null && _kernel is { IsLost: false }
        && _kernel.LastReadingBytes > _kindsReadAtBytes + (_kindsReadAtBytes / 10);

    // Null when the cgroup was removed under us: the last snapshot stays.
    private List<(string Kind, long Bytes)>? ReadKinds()
    {
        try
        {
            return [.. _cgroup!.ReadKernelByKind()];
        }
        catch (IOException)
        {
            return null;
        }
    }

    private List<int> ReadMembers()
    {
        var pids = new List<int>();
        _members.Read(pids);
        return pids;
    }

    // User memory is the kernel's own to limit; the counter shows it, so that one display has it all.
    private void SampleUserMemory()
    {
        if (_cgroup is null || _kernel is { IsLost: true }) return;
        try
        {
            _user.Set(Math.Max(0, _cgroup.ReadMemoryBytes() - _kernelCounter.CurrentBytes));
        }
        catch (IOException)
        {
            // The cgroup was removed under us: the last number stays.
        }
    }
}
