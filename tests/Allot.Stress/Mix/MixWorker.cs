using Allot.Testing;

namespace Allot.Stress.Mix;

/// <summary>One thread of the mix: random operations of every sort, and a memory of all that it has to give back.
/// </summary>
/// <remarks>Handles are shared: any thread may grow, resize, move or dispose any of them. A charge that waits is left to
/// itself; the thread comes by later, cancels it, or finds it charged or ended.</remarks>
internal sealed class MixWorker(MixTree tree, ulong seed, MemoryCharge?[] shared)
{
    private const int HeldMax = 20;
    private const int WaitsMax = 10;

    private static readonly TimeSpan s_longEnough = TimeSpan.FromMinutes(1);   // only reached by a failure

    private readonly Prng _random = new(seed);
    private readonly List<(MemoryGroup Group, MemoryKind Kind, long Bytes)> _charged = [];
    private readonly List<(MemoryGroup Group, PinKind Kind, long Bytes)> _pinned = [];
    private readonly List<Wait> _waits = [];

    private volatile int _steps;
    private volatile bool _isDone;

    public MixTally Tally { get; } = new();

    /// <summary>How far it is.</summary>
    public int Steps => _steps;

    public bool IsDone => _isDone;

    public void Work(Func<int, bool> goesOn)
    {
        try
        {
            for (int i = 0; goesOn(i); i++) TryStep(i);
            End();
        }
        finally
        {
            _isDone = true;
        }
    }

    private void TryStep(int i)
    {
        _steps = i;
        try
        {
            Step();
        }
        catch (MemoryLimitExceededException)
        {
            Tally.Count("refused with an exception");
        }
        catch (ObjectDisposedException)
        {
            Tally.Count("handles that another thread had disposed");
        }
    }

    private void Step()
    {
        if (_charged.Count + _pinned.Count > HeldMax) GiveBack();
        if (_waits.Count > WaitsMax) LookAtWaits(cancels: true);
        bool isCalm = _random.OneIn(2);
        MemoryGroup group = isCalm ? tree.AnyCalm(_random) : tree.AnyWild(_random);
        if (group.State == MemoryGroupState.Killed) ReplaceWild();
        var kind = (MemoryKind)_random.Below(2);
        var pin = (PinKind)_random.Below(2);
        long bytes = _random.Below(80) * MixTree.Unit;
        switch (_random.Below(20))
        {
            case < 4: TryCharge(group, kind, bytes); break;
            case 4: Charge(group, kind, bytes); break;
            case 5 when !isCalm: Force(group, kind, pin, bytes); break;
            case 6 or 7: TryPin(group, pin, bytes); break;
            case 8 or 9: Burst(group, kind); break;
            case 10: Hold(group, kind, bytes); break;
            case < 14: UseHandle(group, bytes); break;
            case 14: StartToWait(group, kind, bytes); break;
            case 15: LookAtWaits(cancels: _random.OneIn(3)); break;
            case 16 or 17: UseCache(); break;
            case 18 when _random.OneIn(20): Reclaim(isCalm ? tree.Root : group); break;
            default: GiveOneBack(); break;
        }
    }

    private void ReplaceWild()
    {
        if (tree.TryReplaceWild(_random)) Tally.Count("groups replaced");
        Tally.Count("groups removed", tree.RemoveSome());
    }

    private void TryCharge(MemoryGroup group, MemoryKind kind, long bytes)
    {
        bool charged = group.TryCharge(kind, bytes, out ChargeRefusal refusal);
        if (charged) _charged.Add((group, kind, bytes));
        Tally.Count(charged ? "charged" : $"refused: {refusal.Reason}");
    }

    private void Charge(MemoryGroup group, MemoryKind kind, long bytes)
    {
        group.Charge(kind, bytes);
        _charged.Add((group, kind, bytes));
        Tally.Count("charged, reclaiming");
    }

    private void Force(MemoryGroup group, MemoryKind kind, PinKind pin, long bytes)
    {
        if (_random.OneIn(2))
        {
            group.ForceCharge(kind, bytes);
            _charged.Add((group, kind, bytes));
        }
        else
        {
            group.ForcePin(pin, bytes);
            _pinned.Add((group, pin, bytes));
        }

        Tally.Count("forced");
    }

    private void TryPin(MemoryGroup group, PinKind kind, long bytes)
    {
        bool pinned = group.TryPin(kind, bytes, out _);
        if (pinned) _pinned.Add((group, kind, bytes));
        Tally.Count(pinned ? "pinned" : "pins refused");
    }

    // The fast path: small amounts, by the handle of a thread.
    private void Burst(MemoryGroup group, MemoryKind kind)
    {
        GroupHandle handle = group.Handle(kind);
        int charged = 0;
        for (int i = 0; i < 100; i++)
        {
            if (handle.TryCharge(64)) charged++;
        }

        for (int i = 0; i < charged; i++) handle.Uncharge(64);
        Tally.Count("charged by a handle of a thread", charged);
    }

    private void Hold(MemoryGroup group, MemoryKind kind, long bytes)
    {
        MemoryCharge created = group.Hold(kind);
        if (created.TryGrow(bytes, out _)) Tally.Count("handles grown");
        Interlocked.Exchange(ref shared[_random.Below(shared.Length)], created)?.Dispose();
        Tally.Count("handles created");
    }

    private void UseHandle(MemoryGroup target, long bytes)
    {
        if (Volatile.Read(ref shared[_random.Below(shared.Length)]) is not { } handle) return;
        switch (_random.Below(8))
        {
            case 0:
                if (handle.TryGrow(bytes, out _)) Tally.Count("handles grown");
                break;
            case 1:
                handle.Grow(bytes);
                Tally.Count("handles grown");
                break;
            case 2:
                handle.Resize(bytes);
                Tally.Count("handles resized");
                break;
            case < 7:
                bool moved = handle.TryTransferTo(target, out _);
                Tally.Count(moved ? "transfers" : "transfers refused");
                break;
            default:
                handle.Dispose();
                Tally.Count("handles disposed");
                break;
        }
    }

    private void StartToWait(MemoryGroup group, MemoryKind kind, long bytes)
    {
        var source = new CancellationTokenSource();
        _waits.Add(new Wait(group.ChargeAsync(kind, bytes, source.Token).AsTask(), source, group, kind, bytes));
        Tally.Count("waits begun");
    }

    private void LookAtWaits(bool cancels)
    {
        foreach (Wait wait in _waits)
        {
            if (cancels && _random.OneIn(2)) wait.Source.Cancel();
        }

        Settle([.. _waits.Where(wait => wait.Charging.IsCompleted)]);
    }

    // How a wait has ended: with the bytes, by its token, or because it was hopeless.
    private void Settle(Wait[] ended)
    {
        foreach (Wait wait in ended)
        {
            _waits.Remove(wait);
            switch (wait.Charging.Status)
            {
                case TaskStatus.RanToCompletion:
                    _charged.Add((wait.Group, wait.Kind, wait.Bytes));
                    Tally.Count("waits that were served");
                    break;
                case TaskStatus.Canceled:
                    Tally.Count("waits that were cancelled");
                    break;
                default:
                    Assert.IsType<MemoryLimitExceededException>(wait.Charging.Exception!.InnerException);
                    Tally.Count("waits that were hopeless");
                    break;
            }

            wait.Source.Dispose();
        }
    }

    private void UseCache()
    {
        StressCache cache = tree.AnyCache(_random);
        bool inserted = cache.TryInsert((1 + _random.Below(8)) * (int)MixTree.Unit);
        Tally.Count(inserted ? "entries cached" : "entries not cached");
    }

    private void Reclaim(MemoryGroup group)
    {
        long freed = group.Reclaim(_random.Below(50) * MixTree.Unit);
        Tally.Count(freed > 0 ? "reclaimed" : "reclaimed nothing");
    }

    private void GiveOneBack()
    {
        if (_charged.Count == 0) return;
        (MemoryGroup group, MemoryKind kind, long bytes) = _charged[^1];
        _charged.RemoveAt(_charged.Count - 1);
        group.Uncharge(kind, bytes);
        Tally.Count("uncharged");
    }

    private void GiveBack()
    {
        foreach ((MemoryGroup group, MemoryKind kind, long bytes) in _charged) group.Uncharge(kind, bytes);
        foreach ((MemoryGroup group, PinKind kind, long bytes) in _pinned) group.Unpin(kind, bytes);
        Tally.Count("uncharged", _charged.Count);
        Tally.Count("unpinned", _pinned.Count);
        _charged.Clear();
        _pinned.Clear();
    }

    // Whoever still waits is cancelled: every wait must end then.
    private void End()
    {
        foreach (Wait wait in _waits) wait.Source.Cancel();
        foreach (Wait wait in _waits)
        {
            bool ended = Task.WaitAny([wait.Charging], s_longEnough) == 0;
            Assert.True(ended, "A charge waits although its token has fired.");
        }

        Settle([.. _waits]);
        GiveBack();
    }

    private sealed record Wait(
        Task Charging, CancellationTokenSource Source, MemoryGroup Group, MemoryKind Kind, long Bytes);
}
