// One account for everything that one owner locks or pins: what the kernel work on pins calls vm_account.
//
// Protocol. Group and bytes change together under _gate, so what is charged here is uncharged exactly once, from the
// group recorded here (I7), also when the account was moved meanwhile. A charge asks the limit of the process first and
// the group second, and gives the first back when the second refuses (I5): the lesser of both holds. While it holds
// anything, the account is listed (PinRegistry), so that what is held for long, or was forgotten, can be found.
//
// Lock order: the lock for making room, the gate of a worker, this gate, then all that charging takes.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Allot;

/// <summary>Locked or pinned bytes charged to a group, with an owner: of any source, counted by one rule.</summary>
/// <remarks>
/// <para>All members may be used from any thread. It counts; it does not lock or pin anything. What does, such as
/// <see cref="LockedMemory"/>, has an account of its own.</para>
/// <para>The group is recorded at creation: whoever unpins, and wherever, the bytes go back to it, and after its
/// removal to its heir. An account that is never disposed keeps its bytes charged, because what it stands for may still
/// be pinned.</para>
/// </remarks>
public sealed class PinAccount : IDisposable
{
    private const int FreeRoundsMax = 16;

    private static readonly SteadyLock s_freeing = new();

    // _bytes - _uncountedBytes == what was charged to _group, and taken from _limit, here and not given back.
    // 0 <= _uncountedBytes <= _bytes <= MaxChargeBytes; both 0 once disposed. Listed while _bytes > 0; where
    // _staysListed, from the first pin until it is disposed.
    private readonly SteadyLock _gate = new();
    private readonly MemoryLockLimit? _limit;
    private readonly PinWorker? _worker;
    private readonly bool _staysListed;
    private MemoryGroup _group;
    private long _bytes;

    // The part of _bytes that nobody pays for: taken inside of BlockAccounting.
    private long _uncountedBytes;
    private bool _disposed;

    /// <summary>Creates an account that holds nothing.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="options">What it is for; the defaults when null.</param>
    /// <exception cref="ArgumentOutOfRangeException">The kind or the source is unknown.</exception>
    public PinAccount(MemoryGroup group, PinAccountOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(group);
        options ??= new PinAccountOptions();
        options.Validate();
        _group = group;
        Kind = options.Kind;
        Source = options.Source;
        _staysListed = options.StaysListed;
        _limit = options.LockLimit;
        LimitBytes = _limit is null || _limit.IsBypassed ? MemoryGroup.Unlimited : _limit.MaxBytes;
    }

    /// <summary>Creates an account of a worker, which holds nothing.</summary>
    /// <param name="worker">Whose group pays. What is locked moves with him, what is pinned stays.</param>
    /// <param name="options">What it is for; the defaults when null.</param>
    /// <exception cref="ArgumentOutOfRangeException">The kind or the source is unknown.</exception>
    public PinAccount(PinWorker worker, PinAccountOptions? options = null)
        : this(Validate(worker).Group, options)
    {
        if (Kind != PinKind.Locked) return;
        _worker = worker;
        worker.Add(this, out _group);
    }

    /// <summary>The group that was charged. It stays recorded after its removal; the bytes are then its
    /// heir's.</summary>
    public MemoryGroup Group
    {
        get
        {
            using (_gate.EnterScope()) return _group;
        }
    }

    /// <summary>How the memory is held.</summary>
    public PinKind Kind { get; }

    /// <summary>What holds it.</summary>
    public PinSource Source { get; }

    /// <summary>The limit of the process as it was when the account was created: <see cref="MemoryGroup.Unlimited"/>
    /// for none, and for who could pass it then.</summary>
    public long LimitBytes { get; }

    /// <summary>The bytes held now; 0 after disposal.</summary>
    public long Bytes
    {
        get
        {
            using (_gate.EnterScope()) return _bytes;
        }
    }

    /// <summary>Where the account stands among those that hold something.</summary>
    internal PinListing Listing;

    /// <summary>Charges bytes that are about to be locked or pinned.</summary>
    /// <param name="bytes">0 or more; what is held afterwards is at most <see cref="MemoryGroup.MaxChargeBytes"/>. The
    /// operating system counts whole pages.</param>
    /// <param name="refusal">When false is returned: who refused, and why. Otherwise the default value.</param>
    /// <returns>True when charged. False when a limit refused or the group has ended: nothing has changed but the
    /// events of the limiter. What is in use is not reclaimed for it: what is pinned cannot be. But free buffers of
    /// pools below the limit that is met are let go of first, if that is enough.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The amount is negative, or would make the account hold more than
    /// the largest charge.</exception>
    /// <exception cref="ObjectDisposedException">The account is disposed.</exception>
    public bool TryPin(long bytes, out ChargeRefusal refusal) =>
        TryPinOnce(bytes, out refusal) || TryPinAfterFreeing(bytes, ref refusal);

    /// <summary>Charges bytes that are about to be locked or pinned.</summary>
    /// <param name="bytes">As for <see cref="TryPin"/>.</param>
    /// <exception cref="MemoryLimitExceededException">Refused; nothing has changed.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The amount is negative, or would make the account hold more than
    /// the largest charge.</exception>
    /// <exception cref="ObjectDisposedException">The account is disposed.</exception>
    public void Pin(long bytes)
    {
        if (!TryPin(bytes, out ChargeRefusal refusal)) throw new MemoryLimitExceededException(refusal);
    }

    /// <summary>Gives bytes back that are no longer locked or pinned.</summary>
    /// <param name="bytes">0 or more. What the account does not hold is ignored, and counted in
    /// <see cref="MemoryEvents.AccountingErrors"/> of its group.</param>
    /// <exception cref="ArgumentOutOfRangeException">The amount is negative.</exception>
    public void Unpin(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        using (Enter())
        {
            long held = Math.Min(bytes, _bytes);
            Remove_NeedsGate(held);
            if (held < bytes && !_disposed) _group.ReportAccountingError(bytes, bytes - held);
        }
    }

    /// <summary>Gives everything back. Safe to call twice and from any thread.</summary>
    public void Dispose()
    {
        _worker?.Remove(this);
        using (Enter())
        {
            if (_disposed) return;
            Remove_NeedsGate(_bytes);
            if (Listing.IsListed) PinRegistry.Remove(this);
            _disposed = true;
            AssertInvariants();
        }
    }

    /// <summary>Passes a part on to another account of the same kind, limits or not: it goes on being held.</summary>
    internal void PassOn(PinAccount to, long bytes)
    {
        Debug.Assert(Kind == to.Kind, "What is passed on stays of its kind.");
        MemoryGroup group;
        long counted;
        using (Enter())
        {
            Debug.Assert(bytes <= _bytes, "An account passes on what it holds.");
            group = _group;
            counted = Take_NeedsGate(bytes);
        }

        // Meanwhile the bytes are charged to the group and taken from the limit, and no account has them. A limit that
        // both go by never has less than what is held: another could take the room in between.
        bool isSameLimit = to._limit == _limit;
        using (to.Enter())
        {
            Debug.Assert(!to._disposed, "Who is passed something has not let go.");
            to._limit?.Take(isSameLimit ? bytes - counted : bytes);
            group.MovePins(to._group, Kind, counted);
            if (bytes > counted) to._group.ForcePinCounted(Kind, bytes - counted);
            to.Add_NeedsGate(bytes);
        }

        if (!isSameLimit) _limit?.GiveBack(counted);
    }

    /// <summary>What is held is pinned once more, and still counts once: if nobody has paid for it so far, its group
    /// does from now on, unless accounting is blocked here too.</summary>
    /// <exception cref="MemoryLimitExceededException">A limit refused, or the group has ended; nothing has
    /// changed.</exception>
    internal void PinAgain()
    {
        ChargeRefusal refusal = default;
        bool isUncounted = IsUncountedHere();
        using (Enter())
        {
            AssertInvariants();
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (isUncounted) return;
            if (TryCharge_NeedsGate(_uncountedBytes, out refusal))
            {
                _uncountedBytes = 0;
                return;
            }
        }

        refusal.CountPinsRefusal();
        throw new MemoryLimitExceededException(refusal);
    }

    /// <summary>Moves what is held to another group, limits or not.</summary>
    internal void MoveTo(MemoryGroup target)
    {
        using (Enter())
        {
            AssertInvariants();
            _group.MovePins(target, Kind, _bytes - _uncountedBytes);
            _group = target;
        }
    }

    /// <summary>What is held, for a report. Not of one instant with anything else.</summary>
    internal (MemoryGroup Group, long Bytes) Peek() => (Volatile.Read(ref _group), Interlocked.Read(ref _bytes));

    /// <summary>The part of what is held that the group pays for, for a report.</summary>
    internal long PeekCounted() => Math.Max(0, Interlocked.Read(ref _bytes) - Interlocked.Read(ref _uncountedBytes));

    // A refusal of it is no event yet.
    private bool TryPinOnce(long bytes, out ChargeRefusal refusal)
    {
        refusal = default;
        bool isUncounted = IsUncountedHere();
        using (Enter())
        {
            AssertInvariants();
            ObjectDisposedException.ThrowIf(_disposed, this);
            ArgumentOutOfRangeException.ThrowIfNegative(bytes);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, MemoryGroup.MaxChargeBytes - _bytes);
            if (!isUncounted && !TryCharge_NeedsGate(bytes, out refusal)) return false;
            if (isUncounted) _uncountedBytes += bytes;
            Add_NeedsGate(bytes);
            return true;
        }
    }

    // Without the gate: what is let go of has accounts of its own. One at a time: what one lets go of is neither free
    // nor room for a moment, and another would find neither. Who does not come by here can be quicker, so it is tried
    // several times.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryPinAfterFreeing(long bytes, ref ChargeRefusal refusal)
    {
        for (int round = 0; round < FreeRoundsMax; round++)
        {
            // What can never fit is refused at once.
            if (refusal.Limiter is not { Policy: not null } || bytes > refusal.MaxBytes) break;
            using (ReportingScope.Enter(s_freeing))
            {
                if (TryPinOnce(bytes, out refusal)) return true;
                if (refusal.Limiter is not { } limiter) break;
                long missingBytes = Math.Max(1, bytes - (refusal.MaxBytes - refusal.CurrentBytes));
                if (!IdlePins.TryFree(limiter, missingBytes)) break;
            }

            if (TryPinOnce(bytes, out refusal)) return true;
        }

        refusal.CountPinsRefusal();
        return false;
    }

    // Whether the scopes of the caller say that nobody pays. Without the gate.
    private bool IsUncountedHere() =>
        ThreadContext.Intercepts && GroupCharging.IsUncounted(Group, AllocationFlags.None);

    private bool TryCharge_NeedsGate(long bytes, out ChargeRefusal refusal)
    {
        refusal = default;
        if (_limit is not null && !_limit.TryTake(bytes, LimitBytes, out long currentBytes))
        {
            refusal = new ChargeRefusal(_group, bytes, currentBytes, LimitBytes);
            return false;
        }

        if (_group.TryPinQuietly(Kind, bytes, out refusal)) return true;
        _limit?.GiveBack(bytes);
        return false;
    }

    private void Add_NeedsGate(long bytes)
    {
        if (_bytes == 0 && bytes > 0) PinRegistry.Begin(this, _group.Controller.Time);
        _bytes += bytes;
    }

    private void Remove_NeedsGate(long bytes)
    {
        long counted = Take_NeedsGate(bytes);
        if (counted == 0) return;
        _group.UnpinCounted(Kind, counted);
        _limit?.GiveBack(counted);
    }

    // What the account holds no longer; returns how much of it is charged.
    private long Take_NeedsGate(long bytes)
    {
        AssertInvariants();
        if (bytes == 0) return 0;
        long uncounted = Math.Min(_uncountedBytes, bytes);
        _uncountedBytes -= uncounted;
        _bytes -= bytes;
        if (_bytes == 0 && !_staysListed) PinRegistry.Remove(this);
        return bytes - uncounted;
    }

    private static PinWorker Validate(PinWorker worker)
    {
        ArgumentNullException.ThrowIfNull(worker);
        return worker;
    }

    // Around all that charges or uncharges.
    private ReportingScope Enter() => ReportingScope.Enter(_gate);

    [Conditional("DEBUG")]
    private void AssertInvariants()
    {
        Debug.Assert(_gate.IsHeldByCurrentThread, "What is held changes under the gate.");
        Debug.Assert(_bytes >= 0, "An account never holds less than nothing.");
        Debug.Assert(_bytes <= MemoryGroup.MaxChargeBytes, "An account can give back all it holds in one uncharge.");
        Debug.Assert(_uncountedBytes >= 0, "What nobody pays for is not less than nothing.");
        Debug.Assert(_uncountedBytes <= _bytes, "What nobody pays for is a part of what is held.");
        Debug.Assert(!_disposed || _bytes == 0, "A disposed account holds nothing.");
        Debug.Assert(_bytes == 0 || Listing.IsListed, "An account is listed while it holds something.");
        Debug.Assert(_bytes > 0 || _staysListed || !Listing.IsListed, "What holds nothing is not listed.");
        Debug.Assert(!_disposed || !Listing.IsListed, "The list does not keep a disposed account.");
    }
}
