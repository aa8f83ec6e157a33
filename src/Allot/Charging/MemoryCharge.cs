// An owner of charged bytes.
//
// Protocol. Group, bytes and disposal change together under _gate, so each byte is uncharged exactly once, from the
// group recorded here (I7). Once any Dispose has returned, the bytes are back. What can take long or runs the code of
// others, reclaim above all, happens outside of _gate (GrowAfterRefusal): the bytes are charged first and owned second.
// An accounting error, perhaps of somebody else, that is found under _gate is reported when it was left (Enter).
//
// Lock order: this gate, then all that charging takes: the gate of the tree, its lock, those of threads.

using System.Diagnostics;

namespace Allot;

/// <summary>Bytes charged to a group, with an owner: they go back exactly once, however often it is disposed.</summary>
/// <remarks>All members may be used from any thread. A handle that is never disposed keeps its bytes charged.</remarks>
public sealed class MemoryCharge : IDisposable
{
    // _bytes - _uncountedBytes == what was charged to _group here and not given back. 0 <= _bytes <= MaxChargeBytes; 0
    // once disposed.
    private readonly SteadyLock _gate = new();
    private MemoryGroup _group;
    private long _bytes;

    // The part of _bytes that nobody pays for: taken inside of BlockAccounting. 0 <= _uncountedBytes <= _bytes.
    private long _uncountedBytes;
    private bool _disposed;

    // Whether _group keeps us as a handle, because it does not count kernel memory, and cannot start to meanwhile: so
    // what is charged uncounted is uncharged uncounted.
    private bool _isInside;

    internal MemoryCharge(MemoryGroup group, MemoryKind kind)
    {
        _group = group;
        _isInside = group.KernelAccounting.TryEnter();
        Kind = kind;
    }

    /// <summary>The group that was charged. It stays the recorded owner after its removal; the bytes are then its
    /// parent's.</summary>
    public MemoryGroup Group
    {
        get
        {
            using (_gate.EnterScope()) return _group;
        }
    }

    /// <summary>The kind of memory charged.</summary>
    public MemoryKind Kind { get; }

    /// <summary>The bytes owned now; 0 after disposal.</summary>
    public long Bytes
    {
        get
        {
            using (_gate.EnterScope()) return _bytes;
        }
    }

    /// <summary>Charges more.</summary>
    /// <param name="bytes">0 or more; what is owned afterwards is at most
    /// <see cref="MemoryGroup.MaxChargeBytes"/>.</param>
    /// <param name="refusal">When false is returned: who refused, and why. Otherwise the default value.</param>
    /// <returns>True when charged. False when refused: what is owned stays as it was (I8).</returns>
    /// <exception cref="ArgumentOutOfRangeException">The amount is negative, or would make the handle own more than the
    /// largest charge.</exception>
    /// <exception cref="ObjectDisposedException">The handle is disposed.</exception>
    public bool TryGrow(long bytes, out ChargeRefusal refusal)
    {
        MemoryGroup group;
        bool needsLook;
        using (Enter())
        {
            group = _group;
            if (!TryGrow_NeedsGate(bytes, out needsLook, out refusal)) return false;
        }

        if (needsLook) group.LookAfterCharge(Kind, bytes);
        return true;
    }

    private bool TryGrow_NeedsGate(long bytes, out bool needsLook, out ChargeRefusal refusal)
    {
        AssertInvariants();
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, MemoryGroup.MaxChargeBytes - _bytes);
        if (!_group.TryChargeLocked(Kind, bytes, out needsLook, out refusal)) return false;
        Add(bytes);
        return true;
    }

    /// <summary>Charges more. Where a limit refuses, it reclaims and does whatever else <c>Charge</c> of the group does
    /// before it gives up. Where it leaves a group above its high limit, it reclaims and is delayed as <c>Charge</c>
    /// is.</summary>
    /// <param name="bytes">0 or more; what is owned afterwards is at most
    /// <see cref="MemoryGroup.MaxChargeBytes"/>.</param>
    /// <exception cref="MemoryLimitExceededException">Refused; what is owned stays as it was.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The amount is negative, or would make the handle own more than the
    /// largest charge.</exception>
    /// <exception cref="ObjectDisposedException">The handle is disposed.</exception>
    public void Grow(long bytes)
    {
        MemoryGroup group;
        bool needsLook, isCharged;
        ChargeRefusal refusal;
        using (Enter())
        {
            group = _group;
            isCharged = TryGrow_NeedsGate(bytes, out needsLook, out refusal);
        }

        if (!isCharged) GrowAfterRefusal(bytes, isTotal: false, refusal);
        // Not under the gate: reclaimers may use this very handle.
        if (needsLook) group.SlowDown(Kind, bytes, ChargeEffort.Of(AllocationFlags.Kernel));
    }

    /// <summary>Gives a part back.</summary>
    /// <param name="bytes">0 to <see cref="Bytes"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">The amount is negative or more than is owned; nothing
    /// changes.</exception>
    /// <exception cref="ObjectDisposedException">The handle is disposed.</exception>
    public void Shrink(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        using (Enter())
        {
            AssertInvariants();
            ObjectDisposedException.ThrowIf(_disposed, this);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, _bytes);
            long uncounted = Math.Min(_uncountedBytes, bytes);
            _bytes -= bytes;
            _uncountedBytes -= uncounted;
            _group.UnchargeRecorded(Kind, bytes - uncounted);
        }
    }

    /// <summary>Grows as <see cref="Grow"/> does, or shrinks, to an amount.</summary>
    /// <param name="bytes">0 to <see cref="MemoryGroup.MaxChargeBytes"/>.</param>
    /// <exception cref="MemoryLimitExceededException">Refused; what is owned stays as it was.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The amount is negative or larger than the largest
    /// charge.</exception>
    /// <exception cref="ObjectDisposedException">The handle is disposed.</exception>
    public void Resize(long bytes)
    {
        GroupCharging.ValidateAmount(bytes);
        MemoryGroup group;
        long more;
        bool needsLook, isCharged;
        ChargeRefusal refusal;
        using (Enter())
        {
            if (bytes <= _bytes)
            {
                Shrink(_bytes - bytes);
                return;
            }

            (group, more) = (_group, bytes - _bytes);
            isCharged = TryGrow_NeedsGate(more, out needsLook, out refusal);
        }

        if (!isCharged) GrowAfterRefusal(bytes, isTotal: true, refusal);
        if (needsLook) group.SlowDown(Kind, more, ChargeEffort.Of(AllocationFlags.Kernel));
    }

    // Not under the gate: reclaimers and whoever else is asked for room may use this very handle. So the bytes are
    // charged first and owned second, unless the handle has changed meanwhile.
    private void GrowAfterRefusal(long bytes, bool isTotal, ChargeRefusal refusal)
    {
        Debug.Assert(!_gate.IsHeldByCurrentThread, "Who is asked for room may use this very handle.");
        Debug.Assert(refusal.Reason != RefusalReason.None, "Only what was refused is tried again.");
        bool isInScope = ThreadContext.Restrictions != AllocationRestrictions.None;   // may pass the limit
        bool canHelp = isInScope || (refusal.Limiter is { } limiter && limiter.CanMakeRoom);
        if (!canHelp)
        {
            // There is nobody to ask, so no second attempt: what is left of the way of a charge is its event (Oom).
            bool charged = refusal.Group!.TryChargeAfterKill(
                Kind, refusal.RequestedBytes, ref refusal, ChargeEffort.Of(AllocationFlags.Kernel));
            Debug.Assert(!charged, "Without a policy nobody is killed.");
            throw new MemoryLimitExceededException(refusal);
        }

        while (true)
        {
            MemoryGroup group;
            long more;
            using (Enter())
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                more = isTotal ? bytes - _bytes : bytes;
                if (isTotal && more <= 0)
                {
                    Resize(bytes);
                    return;
                }

                ArgumentOutOfRangeException.ThrowIfGreaterThan(more, MemoryGroup.MaxChargeBytes - _bytes);
                group = _group;
            }

            group.Charge(Kind, more);
            using (_gate.EnterScope())
            {
                AssertInvariants();
                bool isAsBefore = !_disposed && _group == group;
                bool fits = isTotal ? _bytes + more == bytes : more <= MemoryGroup.MaxChargeBytes - _bytes;
                if (isAsBefore && fits)
                {
                    Add(more);
                    return;
                }
            }

            group.Uncharge(Kind, more);
        }
    }

    /// <summary>Moves everything owned to another group.</summary>
    /// <param name="target">The new owner. Moving to the present one does nothing.</param>
    /// <exception cref="MemoryLimitExceededException">A limit of the target refused, or the target has ended; nothing
    /// changes.</exception>
    /// <exception cref="ObjectDisposedException">The handle is disposed.</exception>
    /// <remarks>See <see cref="TryTransferTo"/>.</remarks>
    public void TransferTo(MemoryGroup target)
    {
        if (!TryTransferTo(target, out ChargeRefusal refusal)) throw new MemoryLimitExceededException(refusal);
    }

    /// <summary>Moves everything owned to another group.</summary>
    /// <param name="target">The new owner. Moving to the present one does nothing.</param>
    /// <param name="refusal">When false is returned: who refused, and why. Otherwise the default value.</param>
    /// <returns>True when moved. False when refused: the bytes stay where they are (I8).</returns>
    /// <remarks>Only the limits between the target and the nearest common ancestor are asked: what both groups are
    /// below holds the bytes before and after, so a move inside of a full tenant succeeds. To another tree the bytes
    /// are charged there first and uncharged here then. Never reclaims and never waits; where it leaves the target
    /// above a high limit, that is counted, and the next <c>Charge</c> of the target is delayed for these bytes
    /// too. Where the context denies allocations this throws <see cref="AllocationDeniedException"/>, while
    /// <see cref="AllocationChecks"/> are on.</remarks>
    /// <exception cref="ObjectDisposedException">The handle is disposed.</exception>
    public bool TryTransferTo(MemoryGroup target, out ChargeRefusal refusal)
    {
        ArgumentNullException.ThrowIfNull(target);
        MemoryGroup source;
        long bytes;
        using (Enter())
        {
            AssertInvariants();
            ObjectDisposedException.ThrowIf(_disposed, this);
            (source, bytes) = (_group, _bytes - _uncountedBytes);
            if (!TryTransfer_NeedsGate(target, out refusal)) return false;
        }

        if (target != source && target.Counts(Kind))
        {
            target.OweTransferAboveHigh(source, bytes);
            if (target.Memory.NeedsLook) _ = PolicyQuestions.Charged(target, Kind, bytes);
        }

        return true;
    }

    private bool TryTransfer_NeedsGate(MemoryGroup target, out ChargeRefusal refusal)
    {
        Debug.Assert(_gate.IsHeldByCurrentThread, "What is owned changes under the gate.");
        refusal = default;
        if (target == _group) return true;
        if (ThreadContext.Intercepts) _ = GroupCharging.IsUncounted(target, AllocationFlags.None);   // may be denied
        bool isInside = target.KernelAccounting.TryEnter();
        bool canMove = target.Controller == _group.Controller && target.Counts(Kind) && _group.Counts(Kind);
        long counted = _bytes - _uncountedBytes;
        bool moved = false;
        try
        {
            moved = canMove
                ? _group.TryMoveTo(target, Kind, counted, out refusal)
                : target.TryChargeLocked(Kind, counted, out _, out refusal);   // who looks closer is told at the end
        }
        finally
        {
            // Also when it throws, as a charge does where the context denies allocations.
            if (!moved && isInside) target.KernelAccounting.Leave();
        }

        if (!moved) return false;
        if (!canMove)
        {
            _group.UnchargeRecorded(Kind, counted);
            if (ThreadContext.BlocksAccounting) _uncountedBytes = _bytes;
        }

        Debug.Assert(!isInside || !target.CountsKernelMemory, "A group with a handle inside cannot start to count.");
        if (_isInside) _group.KernelAccounting.Leave();
        _group = target;
        _isInside = isInside;
        return true;
    }

    /// <summary>Gives everything back. Safe to call twice and from any thread.</summary>
    public void Dispose()
    {
        using (Enter())
        {
            AssertInvariants();
            if (_disposed) return;
            _disposed = true;
            _group.UnchargeRecorded(Kind, _bytes - _uncountedBytes);
            _bytes = _uncountedBytes = 0;
            if (_isInside) _group.KernelAccounting.Leave();
            _isInside = false;
        }
    }

    // What was charged just now, on this thread and in the same scopes.
    private void Add(long bytes)
    {
        _bytes += bytes;
        if (ThreadContext.BlocksAccounting) _uncountedBytes += bytes;
    }

    // Around all that charges or uncharges.
    private ReportingScope Enter() => ReportingScope.Enter(_gate);

    [Conditional("DEBUG")]
    private void AssertInvariants()
    {
        Debug.Assert(_gate.IsHeldByCurrentThread, "What is owned changes under the gate.");
        Debug.Assert(_bytes >= 0, "A handle never owns less than nothing.");
        Debug.Assert(_bytes <= MemoryGroup.MaxChargeBytes, "A handle can give back all it owns in one uncharge.");
        Debug.Assert(_uncountedBytes >= 0, "What nobody pays for is not less than nothing.");
        Debug.Assert(_uncountedBytes <= _bytes, "What nobody pays for is a part of what is owned.");
        Debug.Assert(!_disposed || _bytes == 0, "A disposed handle owns nothing.");
    }
}
