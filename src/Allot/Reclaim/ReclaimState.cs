// What reclaim keeps for a group: the reclaimers registered in it; when it is a target, whose turn it is; and what the
// charges of the group owe and suffer: the debt above a high limit, and pressure.
//
// Lock order: the gate (held while reclaimers run), then the list lock; nothing is called under the list lock.

using System.Diagnostics;

namespace Allot;

internal sealed class ReclaimState : GroupAttachment
{
    private readonly SteadyLock _listLock = new();

    // Replaced under _listLock, read without. Empty once _closed.
    private ReclaimerRegistration[] _registrations = [];
    private bool _closed;

    private long _freedBytes;
    private long _highDebtBytes;
    private int _isReclaimQueued;
    private PressureState? _pressure;

    /// <summary>Held by the one thread that reclaims for this target.</summary>
    public Lock Gate { get; } = new();

    /// <summary>The groups of the present walk; empty between walks. Under the gate.</summary>
    public List<WalkedGroup> Walked { get; } = [];

    /// <summary>Where the next round begins. Under the gate.</summary>
    public int Turn { get; set; }

    /// <summary>Verified bytes that reclaims for this target have freed so far. Grows under the gate.</summary>
    public long FreedBytes => Volatile.Read(ref _freedBytes);

    public ReclaimerRegistration[] Registrations => Volatile.Read(ref _registrations);

    /// <summary>The state of a group; null when there is no reclaimer, and never was, in it or below.</summary>
    public static ReclaimState? Of(MemoryGroup group) =>
        group.Policy is { } policy ? (ReclaimState)(policy.Attachment ?? policy.Attach(new ReclaimState())) : null;

    public static ReclaimState Ensure(MemoryGroup group)
    {
        group.EnsurePolicy();
        return Of(group)!;
    }

    /// <summary>The same for those who do not need that walks from above find it at once.</summary>
    public static ReclaimState FindOrEnsure(MemoryGroup group) => Of(group) ?? Ensure(group);

    /// <summary>The pressure of the group; null when no flow has ever stalled in it or below.</summary>
    public PressureState? Pressure => Volatile.Read(ref _pressure);

    public PressureState EnsurePressure(MemoryGroup group) =>
        Pressure ?? Interlocked.CompareExchange(ref _pressure, new PressureState(group.Memory), null) ?? _pressure;

    /// <summary>Takes the bytes that the group has charged above a high limit and not been delayed for. Of two flows
    /// only one gets them.</summary>
    public long TakeHighDebt() => Interlocked.Exchange(ref _highDebtBytes, 0);

    /// <summary>Takes a part of it.</summary>
    /// <param name="bytesMax">The most to take.</param>
    /// <returns>What was taken: 0 or more.</returns>
    public long TakeHighDebt(long bytesMax)
    {
        long before = Volatile.Read(ref _highDebtBytes);
        while (true)
        {
            long taken = Math.Min(before, bytesMax);
            long seen = Interlocked.CompareExchange(ref _highDebtBytes, before - taken, before);
            if (seen == before) return taken;
            before = seen;
        }
    }

    public void GiveHighDebt(long bytes)
    {
        Debug.Assert(bytes >= 0, "Nobody is owed.");
        long before = Volatile.Read(ref _highDebtBytes);
        while (true)
        {
            // From there on no debt is delayed for any longer, and the sum cannot wrap.
            long after = Math.Min(before + bytes, MemoryGroup.MaxChargeBytes);
            long seen = Interlocked.CompareExchange(ref _highDebtBytes, after, before);
            if (seen == before) return;
            before = seen;
        }
    }

    /// <summary>Marks that a reclaim of this target is queued.</summary>
    /// <returns>False when it was marked already.</returns>
    public bool TryMarkQueued() => Interlocked.Exchange(ref _isReclaimQueued, 1) == 0;

    public void UnmarkQueued() => Volatile.Write(ref _isReclaimQueued, 0);

    /// <summary>Enters the gate, unless another thread was inside and has freed something meanwhile, or stays inside
    /// for too long.</summary>
    /// <param name="waitMax">How long to wait; 0 for not at all.</param>
    /// <param name="freedByOthers">When false is returned: what was freed meanwhile, 0 or more.</param>
    public bool TryEnterGate(TimeSpan waitMax, out long freedByOthers)
    {
        freedByOthers = 0;
        long freedBefore = FreedBytes;
        if (Gate.TryEnter()) return true;
        if (!Gate.TryEnter(waitMax)) return false;
        freedByOthers = FreedBytes - freedBefore;
        Debug.Assert(freedByOthers >= 0, "What was freed is never taken back.");
        if (freedByOthers > 0) Gate.Exit();
        return freedByOthers == 0;
    }

    public void AddFreed(long bytes)
    {
        Debug.Assert(Gate.IsHeldByCurrentThread, "Who holds the gate reclaims.");
        Volatile.Write(ref _freedBytes, _freedBytes + bytes);
    }

    /// <returns>Whether it was added: not after removal of the group.</returns>
    /// <exception cref="InvalidOperationException">The reclaimer is registered in this group already.</exception>
    public bool TryAdd(ReclaimerRegistration registration)
    {
        using (_listLock.EnterScope())
        {
            if (_closed) return false;
            if (Find(registration.Reclaimer) is not null)
            {
                throw new InvalidOperationException(
                    $"The reclaimer is registered in '{registration.Group.Path}' already.");
            }

            Volatile.Write(ref _registrations, [.. _registrations, registration]);
            return true;
        }
    }

    public void Remove(ReclaimerRegistration registration)
    {
        using (_listLock.EnterScope())
        {
            Volatile.Write(ref _registrations, Array.FindAll(_registrations, other => other != registration));
        }
    }

    // The reclaimers are unregistered. What they have left to do becomes the work of the same reclaimer in the parent,
    // if it is registered there: the bytes are the parent's now.
    public override void OnRemoved(GroupAttachment? heir)
    {
        ReclaimerRegistration[] left;
        using (_listLock.EnterScope())
        {
            _closed = true;
            left = _registrations;
            Volatile.Write(ref _registrations, []);
        }

        Pressure?.Close();
        foreach (ReclaimerRegistration registration in left)
        {
            registration.Close();
            (registration.Reclaimer as IIdlePins)?.GroupRemoved();
            (heir as ReclaimState)?.Find(registration.Reclaimer)?.GiveDeferred(registration.TakeDeferred());
        }
    }

    private ReclaimerRegistration? Find(IReclaimer reclaimer) =>
        Array.Find(Registrations, registration => ReferenceEquals(registration.Reclaimer, reclaimer));
}
