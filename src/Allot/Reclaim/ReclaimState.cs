// What reclaim keeps for a group: the reclaimers registered in it, and, when it is a target, whose turn it is.
//
// Lock order: the gate (held while reclaimers run), then the list lock; nothing is called under the list lock.

using System.Diagnostics;

namespace Allot;

internal sealed class ReclaimState : GroupAttachment
{
    private readonly Lock _listLock = new();

    // Replaced under _listLock, read without. Empty once _closed.
    private ReclaimerRegistration[] _registrations = [];
    private bool _closed;

    private long _freedBytes;

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

    public void AddFreed(long bytes)
    {
        Debug.Assert(Gate.IsHeldByCurrentThread, "Who holds the gate reclaims.");
        Volatile.Write(ref _freedBytes, _freedBytes + bytes);
    }

    /// <returns>Whether it was added: not after removal of the group.</returns>
    /// <exception cref="InvalidOperationException">The reclaimer is registered in this group already.</exception>
    public bool TryAdd(ReclaimerRegistration registration)
    {
        lock (_listLock)
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
        lock (_listLock)
        {
            Volatile.Write(ref _registrations, Array.FindAll(_registrations, other => other != registration));
        }
    }

    // The reclaimers are unregistered. What they have left to do becomes the work of the same reclaimer in the parent,
    // if it is registered there: the bytes are the parent's now.
    public override void OnRemoved(GroupAttachment? heir)
    {
        ReclaimerRegistration[] left;
        lock (_listLock)
        {
            _closed = true;
            left = _registrations;
            Volatile.Write(ref _registrations, []);
        }

        foreach (ReclaimerRegistration registration in left)
        {
            registration.Close();
            (heir as ReclaimState)?.Find(registration.Reclaimer)?.GiveDeferred(registration.TakeDeferred());
        }
    }

    private ReclaimerRegistration? Find(IReclaimer reclaimer) =>
        Array.Find(Registrations, registration => ReferenceEquals(registration.Reclaimer, reclaimer));
}
