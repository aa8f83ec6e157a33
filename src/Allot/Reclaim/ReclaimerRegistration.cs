// One reclaimer in one group, and how it is called: nothing that it does reaches the caller but verified bytes.
//
// Verification. A claim counts up to what can be seen: the bytes that the calling thread has uncharged inside the call,
// less those it has charged (exact, whatever other threads do), or the fall of the group's own counter from before to
// after the call (for reclaimers that let another thread do the freeing), whichever is more. What the calling thread
// has charged elsewhere below the target of the reclaim is taken off either: it makes no room. A claim above that is an
// error.
// Accepted: with charges or uncharges of other threads in between, the fall is off by their balance, so a wrong claim
// of a reclaimer can pass by what others have uncharged meanwhile, and a right one of a reclaimer that frees elsewhere
// can be cut by what others have charged. And what a reclaimer lets another thread charge again is not told from what
// anybody charges. A claim never counts for more than itself.

using System.Diagnostics;

namespace Allot;

internal sealed class ReclaimerRegistration : IDisposable
{
    private readonly ReclaimState _state;
    private readonly IReclaimer _reclaimer;
    private readonly long? _batchBytes;

    // Asked for in earlier rounds and not done, 0 or more. Taken by exchange and given back by addition, so that of two
    // threads only one has it.
    private long _deferredBytes;
    private volatile bool _closed;

    // It does not say what it gives back, and when kernel memory was needed, that was user memory.
    private volatile bool _gaveUserMemory;

    internal ReclaimerRegistration(
        MemoryGroup group, ReclaimState state, IReclaimer reclaimer, ReclaimerOptions options)
    {
        Group = group;
        _state = state;
        _reclaimer = reclaimer;
        _batchBytes = options.BatchBytes;
        Cost = options.Cost;
        Kind = options.Kind;
        Needs = reclaimer.Needs;
    }

    internal MemoryGroup Group { get; }

    internal IReclaimer Reclaimer => _reclaimer;

    internal ReclaimNeeds Needs { get; }

    /// <summary>What it gives back; null where it does not say.</summary>
    internal MemoryKind? Kind { get; }

    /// <summary>Of one that does not say: whether that can be kernel memory, as far as it has shown.</summary>
    internal bool MayGiveKernelMemory => !_gaveUserMemory && Group.CountsKernelMemory;

    internal int Cost { get; }

    internal long DeferredBytes => Volatile.Read(ref _deferredBytes);

    public void Dispose()
    {
        Close();
        _state.Remove(this);
    }

    /// <summary>From here on no new call begins.</summary>
    internal void Close() => _closed = true;

    internal long TakeDeferred() => Interlocked.Exchange(ref _deferredBytes, 0);

    internal void GiveDeferred(long bytes)
    {
        Debug.Assert(bytes >= 0, "Less than nothing cannot be left to do.");
        if (bytes > 0) Interlocked.Add(ref _deferredBytes, bytes);
    }

    internal long Batch(long heldBytes) => ScanShare.Batch(_batchBytes, heldBytes);

    /// <summary>What it says it holds, as far as that is possible: 0 to the bytes charged to the group.</summary>
    internal long Count(ReclaimContext context)
    {
        if (_closed) return 0;
        MemoryCounter counter = context.Counter(Group);
        long count;
        ReclaimScope.Enter(Group, Group, Needs);
        try
        {
            count = _reclaimer.CountBytes(Group);
        }
        catch (Exception exception)
        {
            Report($"threw when it counted: {TraceReport.Describe(exception)}");
            return 0;
        }
        finally
        {
            ReclaimScope.Leave(context.KernelOnly, out _);
        }

        // Compared with the peak: use may have fallen since the count, and then a right count looks too large.
        if (count < 0) Report($"counted {count} bytes");
        if (count > counter.PeakBytes && !IsTried(context))
        {
            Report($"counted {count} bytes; the group never held that much");
        }

        return Math.Clamp(count, 0, Math.Min(counter.CurrentBytes, ScanShare.HeldBytesMax));
    }

    /// <summary>Asks for bytes.</summary>
    /// <param name="targetBytes">How much, 1 or more.</param>
    /// <param name="context">What the code that charges may do.</param>
    /// <param name="target">Where room is wanted.</param>
    /// <returns>The verified bytes, 0 or more.</returns>
    internal long Ask(long targetBytes, ReclaimContext context, MemoryGroup target)
    {
        Debug.Assert(targetBytes > 0, "Nothing is never asked for.");
        if (_closed) return 0;
        MemoryCounter counter = context.Counter(Group);
        long before = counter.RecordedBytes;
        long uncharged = 0, elsewhere = 0, claimed = 0;
        Exception? thrown = null;
        ReclaimScope.Enter(Group, target, Needs);
        try
        {
            claimed = _reclaimer.Reclaim(Group, targetBytes);
        }
        catch (Exception exception)
        {
            thrown = exception;
        }
        finally
        {
            uncharged = ReclaimScope.Leave(context.KernelOnly, out elsewhere);
        }

        long seen = Math.Max(0, Math.Max(uncharged, before - counter.RecordedBytes) - elsewhere);
        if (thrown is not null)
        {
            Report($"threw: {TraceReport.Describe(thrown)}");
            return Math.Max(0, uncharged - elsewhere);
        }

        if (claimed < 0)
        {
            Report($"claimed to have given back {claimed} bytes");
            return Math.Max(0, uncharged - elsewhere);
        }

        if (claimed <= seen) return claimed;
        if (IsTried(context))
        {
            if (seen == 0) _gaveUserMemory = true;
            return seen;
        }

        Report($"claimed to have given back {claimed} bytes, of which {seen} are seen");
        return seen;
    }

    // Its bytes may be of the other kind than the counter's.
    private bool IsTried(ReclaimContext context) => context.KernelOnly && Kind is null;

    private void Report(string what)
    {
        if (Group.Count(EventKind.ReclaimErrors) == 1)
        {
            TraceReport.Error(
                $"the reclaimer {_reclaimer.GetType().Name} of '{Group.Path}' {what}. It was contained. Further "
                + "cases in this group are only counted (ReclaimErrors).");
        }
    }
}
