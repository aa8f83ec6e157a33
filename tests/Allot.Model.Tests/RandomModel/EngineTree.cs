using Allot.Testing;

namespace Allot.Model.Tests.RandomModel;

/// <summary>The operations on the real engine.</summary>
internal class EngineTree : ITree
{
    private readonly List<MemoryGroup> _groups;
    private readonly List<MemoryCharge> _handles = [];
    private readonly List<PeakReader> _peaks = [];

    /// <param name="reservesMaxBytes">What threads may hold in advance.</param>
    /// <param name="chargesGroups">Whether parents pay for the groups below them.</param>
    public EngineTree(long reservesMaxBytes = 0, bool chargesGroups = false)
    {
        Controller = new MemoryController(options: new()
        {
            ReservesMaxBytes = reservesMaxBytes,
            ChargesGroupMetadata = chargesGroups,
        });
        _groups = [Controller.Root];
    }

    public MemoryController Controller { get; }

    public MemoryGroup AnyGroup(Prng random) => random.Pick(_groups);

    public string Create(int parent, string name, long[] limits) =>
        Try(() => _groups.Add(_groups[parent].CreateChild(name, OptionsOf(limits))));

    public static MemoryGroupOptions OptionsOf(long[] limits) =>
        new() { MaxBytes = limits[0], KernelMaxBytes = limits[1], PinsMaxBytes = limits[2] };

    public string Remove(int group) => Try(_groups[group].Remove);

    public string SetMax(int group, CounterKind counter, long bytes) =>
        Try(() => _groups[group].Counter(counter).MaxBytes = bytes);

    public virtual string TryCharge(int group, Sort sort, long bytes)
    {
        bool charged = sort is Sort.User or Sort.Kernel
            ? _groups[group].TryCharge(Kind(sort), bytes, out ChargeRefusal refusal)
            : _groups[group].TryPin(Pin(sort), bytes, out refusal);
        return charged ? Answers.Done : Explain(refusal);
    }

    public virtual string ForceCharge(int group, Sort sort, long bytes) => Try(() =>
    {
        if (sort is Sort.User or Sort.Kernel) _groups[group].ForceCharge(Kind(sort), bytes);
        else _groups[group].ForcePin(Pin(sort), bytes);
    });

    public virtual string Uncharge(int group, Sort sort, long bytes) => Try(() =>
    {
        if (sort is Sort.User or Sort.Kernel) _groups[group].Uncharge(Kind(sort), bytes);
        else _groups[group].Unpin(Pin(sort), bytes);
    });

    public string Hold(int group, MemoryKind kind, long bytes) =>
        Try(() => _handles.Add(_groups[group].Hold(kind, bytes)));

    public string Grow(int handle, long bytes) => Try(() => _handles[handle].Grow(bytes));

    public string Shrink(int handle, long bytes) => Try(() => _handles[handle].Shrink(bytes));

    public string Resize(int handle, long bytes) => Try(() => _handles[handle].Resize(bytes));

    public string Transfer(int handle, int target) => Try(() => _handles[handle].TransferTo(_groups[target]));

    public string Dispose(int handle) => Try(_handles[handle].Dispose);

    public string OpenPeak(int group, CounterKind counter) =>
        Try(() => _peaks.Add(_groups[group].Counter(counter).OpenPeak()));

    public string ResetPeak(int peak) => Try(_peaks[peak].Reset);

    public string ClosePeak(int peak) => Try(_peaks[peak].Dispose);

    public string ShowGroup(int group)
    {
        MemoryGroup shown = _groups[group];
        IEnumerable<string> counters =
            ((MemoryCounter[])[shown.Memory, shown.Kernel, shown.Pins, shown.Locked, shown.Pinned]).Select(counter =>
                Answers.Counter(counter.CurrentBytes, counter.RecordedBytes, counter.PeakBytes, counter.MaxBytes));
        return $"{shown.Path} {shown.State} {string.Join(' ', counters)} {shown.ReadStat()} "
            + $"{shown.ReadLocalEvents()} {shown.ReadEvents()}";
    }

    public string ShowHandle(int handle) => $"{_handles[handle].Bytes} of {_groups.IndexOf(_handles[handle].Group)}";

    public string ShowPeak(int peak) => $"{_peaks[peak].PeakBytes}";

    protected MemoryGroup Group(int group) => _groups[group];

    protected static MemoryKind Kind(Sort sort) => sort == Sort.User ? MemoryKind.User : MemoryKind.Kernel;

    protected static PinKind Pin(Sort sort) => sort == Sort.Locked ? PinKind.Locked : PinKind.Pinned;

    private string Try(Action action)
    {
        try
        {
            action();
            return Answers.Done;
        }
        catch (MemoryLimitExceededException exception)
        {
            return Explain(exception.Refusal);
        }
        catch (ObjectDisposedException)
        {
            return Answers.Disposed;
        }
        catch (InvalidOperationException)
        {
            return Answers.NotNow;
        }
        catch (ArgumentOutOfRangeException)
        {
            return Answers.OutOfRange;
        }
    }

    private string Explain(ChargeRefusal refusal) => refusal.Reason == RefusalReason.GroupRemoved
        ? Answers.GroupRemoved
        : Answers.Refused(
            refusal.Counter,
            _groups.IndexOf(refusal.Limiter!),
            refusal.RequestedBytes,
            refusal.CurrentBytes,
            refusal.MaxBytes);
}
