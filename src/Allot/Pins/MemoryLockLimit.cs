// The limit of the process itself. The kernel compares several counters with it, each of which leaves the others out: a
// process can have three times of what the limit says. Here there is one.

namespace Allot;

/// <summary>How much a process may lock and pin, whatever its groups may: <c>RLIMIT_MEMLOCK</c>, over all accounts
/// together. Where a group allows less, that holds.</summary>
/// <remarks>All members may be used from any thread. An account reads the limit when it is created, as a driver does
/// when its file is opened: what changes later is for later accounts.</remarks>
public sealed class MemoryLockLimit
{
    private readonly Func<long> _readMaxBytes;
    private readonly Func<bool> _readIsBypassed;

    // The sum over the accounts that go by this limit, also those that may pass it.
    private long _currentBytes;

    internal MemoryLockLimit(Func<long> readMaxBytes, Func<bool> readIsBypassed)
    {
        _readMaxBytes = readMaxBytes;
        _readIsBypassed = readIsBypassed;
    }

    /// <summary>That of this process. Unlimited on systems that have none.</summary>
    public static MemoryLockLimit OfProcess { get; } = new(ProcessRights.ReadLockLimit, ProcessRights.MayPassLockLimit);

    /// <summary>The limit now, in whole pages; <see cref="MemoryGroup.Unlimited"/> for none.</summary>
    public long MaxBytes => _readMaxBytes();

    /// <summary>Whether the calling thread may pass it: <c>CAP_IPC_LOCK</c>. Nobody may pass the limit of a group.
    /// </summary>
    public bool IsBypassed => _readIsBypassed();

    /// <summary>What accounts hold together.</summary>
    public long CurrentBytes => Interlocked.Read(ref _currentBytes);

    /// <summary>Takes bytes if they fit below the limit that the caller has captured.</summary>
    internal bool TryTake(long bytes, long maxBytes, out long currentBytes)
    {
        currentBytes = Interlocked.Read(ref _currentBytes);
        while (bytes <= maxBytes - currentBytes || bytes == 0)
        {
            long seen = Interlocked.CompareExchange(ref _currentBytes, currentBytes + bytes, currentBytes);
            if (seen == currentBytes) return true;
            currentBytes = seen;
        }

        return false;
    }

    /// <summary>Takes bytes, limit or not.</summary>
    internal void Take(long bytes) => Interlocked.Add(ref _currentBytes, bytes);

    internal void GiveBack(long bytes) => Interlocked.Add(ref _currentBytes, -bytes);
}
