using Allot.Testing;

namespace Allot.Stress;

/// <summary>One thread: random operations on the shared tree, and a memory of all that it has to give back.</summary>
internal sealed class Worker(StressTree tree, ulong seed, MemoryCharge?[] shared)
{
    private const int HeldMax = 50;

    private readonly Prng _random = new(seed);
    private readonly List<(MemoryGroup Group, MemoryKind Kind, long Bytes)> _charged = [];
    private readonly List<(MemoryGroup Group, PinKind Kind, long Bytes)> _pinned = [];

    /// <summary>Charges that a limit refused, by what the caller was told: the events must say the same.</summary>
    public long Refusals { get; private set; }

    public void Work(int operations)
    {
        for (int i = 0; i < operations; i++)
        {
            try
            {
                Step();
            }
            catch (MemoryLimitExceededException exception)
            {
                Charged(false, exception.Refusal);
            }
        }

        GiveBack();
    }

    private void Step()
    {
        if (_charged.Count + _pinned.Count > HeldMax) GiveBack();
        bool calm = _random.OneIn(2);
        MemoryGroup group = calm ? tree.AnyCalm(_random) : tree.AnyWild(_random);
        var kind = (MemoryKind)_random.Below(2);
        var pin = (PinKind)_random.Below(2);
        long bytes = _random.Below(300) * tree.Unit;
        switch (_random.Below(12))
        {
            case < 4:
                if (Charged(group.TryCharge(kind, bytes, out ChargeRefusal refusal), refusal))
                {
                    _charged.Add((group, kind, bytes));
                }

                break;
            case < 6:
                if (Charged(group.TryPin(pin, bytes, out refusal), refusal)) _pinned.Add((group, pin, bytes));
                break;
            case 6 when !calm:
                group.ForceCharge(kind, bytes);
                _charged.Add((group, kind, bytes));
                break;
            case 7 when !calm:
                group.ForcePin(pin, bytes);
                _pinned.Add((group, pin, bytes));
                break;
            case < 9:
                Hold(group, kind, bytes);
                break;
            default:
                UseHandle(group, bytes);
                break;
        }
    }

    // Handles are shared: any thread may take, change, move or dispose any of them.
    private void Hold(MemoryGroup group, MemoryKind kind, long bytes)
    {
        MemoryCharge created = group.Hold(kind, 0);
        Charged(created.TryGrow(bytes, out ChargeRefusal refusal), refusal);
        Interlocked.Exchange(ref shared[_random.Below(shared.Length)], created)?.Dispose();
    }

    private void UseHandle(MemoryGroup target, long bytes)
    {
        if (Volatile.Read(ref shared[_random.Below(shared.Length)]) is not { } handle) return;
        try
        {
            switch (_random.Below(4))
            {
                case 0:
                    Charged(handle.TryGrow(bytes, out ChargeRefusal refusal), refusal);
                    break;
                case 1:
                    handle.Resize(bytes);
                    break;
                case 2:
                    handle.TransferTo(target);
                    break;
                default:
                    handle.Dispose();
                    break;
            }
        }
        catch (ObjectDisposedException)
        {
            // Another thread was faster.
        }
    }

    private bool Charged(bool charged, ChargeRefusal refusal)
    {
        if (!charged && refusal.Reason == RefusalReason.LimitReached) Refusals++;
        return charged;
    }

    private void GiveBack()
    {
        foreach ((MemoryGroup group, MemoryKind kind, long bytes) in _charged) group.Uncharge(kind, bytes);
        foreach ((MemoryGroup group, PinKind kind, long bytes) in _pinned) group.Unpin(kind, bytes);
        _charged.Clear();
        _pinned.Clear();
    }
}
