// A node of the tree: its counters, its events, its place. Charging is in Charging/.
//
// Removal (I6). Counters are hierarchical: the parent's numbers already hold all that the group holds, so removal moves
// no bytes. It unlinks the group, makes its own counters read zero, and refuses new charges. Bytes that return later
// walk the same counters as ever, through the removed ones to the parent: nobody has to find an heir, and a charge that
// was in flight during removal is simply one more that returns later. A removed group is kept alive only by the handles
// that still hold bytes of it.
//
// Lock order: the gate of the tree (TreeReserves), then MemoryController.TreeLock, under which nothing else is taken
// and no foreign code runs.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Allot;

/// <summary>
/// A memory group: what it and its descendants use is counted on every level up to the root, and limited on each.
/// </summary>
/// <remarks>All members may be used from any thread.</remarks>
public sealed class MemoryGroup
{
    /// <summary>The value of a limit that is not there.</summary>
    public const long Unlimited = MemorySize.Unlimited;

    /// <summary>The largest single charge: 64 TiB.</summary>
    /// <remarks>65,535 racing charges of this size still cannot wrap a counter.</remarks>
    public const long MaxChargeBytes = MemoryCounter.MaxChargeBytes;

    // A table of children that once was larger than this shrinks when it has become empty for the most part.
    private const int TableKept = 64;

    // Under the tree lock: Parent._children[Name] == this if and only if online (but for the root), and an offline
    // group has no children. A group that has a policy is below groups that have one, and listed there while online.
    private readonly MemoryController _controller;
    private Dictionary<string, MemoryGroup>? _children;
    private EventCounters? _events;
    private GroupPolicy? _policy;
    private GroupLife? _life;
    private volatile MemoryGroupState _state;

    // What the parent pays for this group, until it is removed.
    private int _metadataBytes;

    // Made when first wanted, after those of the parent; under the tree lock. An idle group has only Memory.
    private MemoryCounter? _kernel;
    private PinCounters? _pins;
    private KernelAccounting _kernelAccounting;

    internal MemoryGroup(MemoryController controller, MemoryGroup? parent, string name, MemoryGroupOptions options)
    {
        Debug.Assert((parent is null) == (name.Length == 0), "The root, and only the root, has no name.");
        Debug.Assert(parent is null || parent._controller == controller, "Parent and child are in one tree.");
        _controller = controller;
        Parent = parent;
        Name = name;
        TreeReserves reserves = controller.Reserves;
        Memory = new MemoryCounter(parent?.Memory, options.MaxBytes)
        {
            Reserves = reserves,
            AllowsReserves = true,
            Owner = this,
            HighBytes = options.HighBytes,
        };
        if (options.HighBytes != Unlimited) reserves.KnowsHigh = true;
        bool limitsKernel = options.KernelMaxBytes != Unlimited;
        _kernelAccounting = new KernelAccounting(
            controller.CountsAllKernelMemory || limitsKernel || parent?.CountsKernelMemory == true);
        if (limitsKernel) _kernel = NewKernelCounter(options.KernelMaxBytes);
        if (options.PinsMaxBytes != Unlimited) _pins = NewPinCounters(options.PinsMaxBytes);
        if (options.HasLife)
        {
            _life = new GroupLife { KillsAsOne = options.KillsAsOne, Priority = options.OutOfMemoryPriority };
        }
    }

    /// <summary>The name below its parent; empty for the root.</summary>
    public string Name { get; }

    /// <summary>The names from the root, each after a slash. Allocates.</summary>
    public string Path
    {
        get
        {
            if (Parent is null) return "/";
            var names = new Stack<string>();
            for (MemoryGroup group = this; group.Parent is not null; group = group.Parent) names.Push(group.Name);
            return "/" + string.Join('/', names);
        }
    }

    /// <summary>The group above; null for the root. A removed group keeps it: it is where its bytes return
    /// to.</summary>
    /// <remarks>Given once, at creation: a group cannot be moved, so there is no way to ask for a cycle.</remarks>
    public MemoryGroup? Parent { get; }

    /// <summary>Whether the group takes charges.</summary>
    public MemoryGroupState State => _state;

    /// <summary>All memory, user and kernel (U).</summary>
    public MemoryCounter Memory { get; }

    /// <summary>Kernel memory (K): what the host keeps on the group's behalf. A part of <see cref="Memory"/>.</summary>
    /// <remarks>In a tree that counts <see cref="KernelAccountingMode.OnFirstLimit"/>, setting its first limit throws
    /// <see cref="InvalidOperationException"/> when the group has children, bytes or handles.</remarks>
    public MemoryCounter Kernel => Volatile.Read(ref _kernel) ?? MakeKernelCounter();

    /// <summary>Locked and pinned bytes. Not a part of <see cref="Memory"/>: pins hold memory that is charged
    /// there.</summary>
    public MemoryCounter Pins => PinCounters.All;

    /// <summary>Whether kernel memory that is charged to this group is counted. Once true it stays true. See
    /// <see cref="MemoryControllerOptions.KernelAccounting"/>.</summary>
    public bool CountsKernelMemory => _kernelAccounting.IsCounted;

    /// <summary>The locked part of <see cref="Pins"/>; never limited by itself.</summary>
    internal MemoryCounter Locked => PinCounters.Locked;

    /// <summary>The pinned part of <see cref="Pins"/>; never limited by itself.</summary>
    internal MemoryCounter Pinned => PinCounters.Pinned;

    /// <summary><see cref="Kernel"/>; null while nobody has wanted it, and then it would read zero.</summary>
    internal MemoryCounter? KernelIfAny => Volatile.Read(ref _kernel);

    /// <summary>The counters of pins; null while nobody has wanted one, and then they would read zero.</summary>
    internal PinCounters? PinsIfAny => Volatile.Read(ref _pins);

    internal ref KernelAccounting KernelAccounting => ref _kernelAccounting;

    private PinCounters PinCounters => Volatile.Read(ref _pins) ?? MakePinCounters();

    /// <summary>The groups directly below, in no particular order: a snapshot. Allocates.</summary>
    public IReadOnlyList<MemoryGroup> Children
    {
        get
        {
            lock (_controller.TreeLock) return _children is null ? [] : [.. _children.Values];
        }
    }

    /// <summary>Creates a group below this one.</summary>
    /// <param name="name">1 to 255 characters, no slash, no control character, not <c>.</c> or <c>..</c>; unique among
    /// the children. The name of a removed group can be used again: the two share nothing.</param>
    /// <param name="options">The limits it starts with; none when null.</param>
    /// <exception cref="ArgumentException">The name is not a group name.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A limit is negative, or a protection is negative or above the
    /// limit.</exception>
    /// <exception cref="InvalidOperationException">A child of that name exists, or this group was removed or
    /// killed.</exception>
    /// <exception cref="MemoryLimitExceededException">Only in a tree whose groups pay for those below them
    /// (<c>ChargesGroupMetadata</c>): a limit refused.</exception>
    public MemoryGroup CreateChild(string name, MemoryGroupOptions? options = null)
    {
        GroupName.Validate(name);
        options ??= MemoryGroupOptions.Default;
        options.Validate(this, name);
        if (_controller.GroupPayerOrNull is { } payer && CountsKernelMemory) return CreatePaid(payer, name, options);
        lock (_controller.TreeLock) return AddChild_NeedsLock(name, options);
    }

    // The charge comes first, without the lock of the tree, under which nobody charges; and only for what can succeed.
    private MemoryGroup CreatePaid(GroupPayer payer, string name, MemoryGroupOptions options)
    {
        lock (_controller.TreeLock) ThrowIfCannotAdd_NeedsLock(name, isTaken: _children?.ContainsKey(name) ?? false);
        int bytes = GroupFootprint.BytesOf(name, options);
        if (!payer.TryCharge(this, name, bytes)) bytes = 0;   // it has ended meanwhile, as we are about to find
        try
        {
            lock (_controller.TreeLock)
            {
                MemoryGroup child = AddChild_NeedsLock(name, options);
                child._metadataBytes = bytes;
                return child;
            }
        }
        catch
        {
            payer.Uncharge(this, bytes);
            throw;
        }
    }

    private MemoryGroup AddChild_NeedsLock(string name, MemoryGroupOptions options)
    {
        ThrowIfCannotAdd_NeedsLock(name, isTaken: false);
        var child = new MemoryGroup(_controller, this, name, options);
        if (!(_children ??= []).TryAdd(name, child)) ThrowIfCannotAdd_NeedsLock(name, isTaken: true);
        if (options.HasPolicy) child.ApplyPolicy_NeedsLock(options);
        child.AssertInvariants_NeedsLock();
        return child;
    }

    private void ThrowIfCannotAdd_NeedsLock(string name, bool isTaken)
    {
        string? problem = _state switch
        {
            MemoryGroupState.Offline => "that group was removed",
            MemoryGroupState.Killed => "that group was killed",
            _ => isTaken ? "it exists already" : null,
        };
        if (problem is null) return;
        throw new InvalidOperationException($"Cannot create '{name}' below '{Path}': {problem}.");
    }

    /// <summary>Removes the group from the tree. Its charges are refused from here on, and what it still holds belongs
    /// to its parent at once. Removing it again does nothing.</summary>
    /// <remarks>When it returns, no charge succeeds any more. Only where threads hold bytes of the group in advance
    /// does it wait for what they have begun, which takes microseconds.</remarks>
    /// <exception cref="InvalidOperationException">The group is the root or still has children.</exception>
    public void Remove()
    {
        if (Parent is null) throw new InvalidOperationException("The root group '/' cannot be removed.");
        using (_controller.Reserves.Gate.EnterScope())
        {
            if (!Unlink()) return;

            CloseCounters_NeedsGate();
            Memory.Detach();
            foreach (MemoryCounter? counter in OtherCounters) counter?.Detach();
        }

        _controller.Reserves.Waiting.EndHopeless();   // who waits in the group waits for nothing
        _controller.Reserves.Settle();
        if (_metadataBytes > 0) _controller.GroupPayerOrNull!.Uncharge(Parent, _metadataBytes);
        _policy?.Attachment?.OnRemoved(Parent._policy?.Attachment);
    }

    /// <summary>What happened to this group and its descendants.</summary>
    public MemoryEvents ReadEvents() => Read(static (events, kind) => events.Total(kind));

    /// <summary>What this group's own limits did.</summary>
    public MemoryEvents ReadLocalEvents() => Read(static (events, kind) => events.Local(kind));

    /// <summary>What the group and its descendants hold, by sort; zero once it was removed.</summary>
    public MemoryStat ReadStat()
    {
        long kernel = KernelIfAny?.CurrentBytes ?? 0;
        return new MemoryStat(
            UserBytes: Math.Max(0, Memory.CurrentBytes - kernel),
            KernelBytes: kernel,
            LockedBytes: PinsIfAny?.Locked.CurrentBytes ?? 0,
            PinnedBytes: PinsIfAny?.Pinned.CurrentBytes ?? 0);
    }

    /// <inheritdoc/>
    public override string ToString() => _state switch
    {
        MemoryGroupState.Offline => $"{Path} (removed)",
        MemoryGroupState.Killed => $"{Path} (killed)",
        _ => Path,
    };

    /// <summary>Counts an event here, and in the hierarchical view of every ancestor.</summary>
    /// <returns>How often it has happened here.</returns>
    internal long Count(EventKind kind)
    {
        long local = Events().CountLocal(kind);
        Debug.Assert(local > 0, "An event that was counted has happened.");
        for (MemoryGroup? group = this; group is not null; group = group.Parent) group.Events().CountTotal(kind);
        return local;
    }

    /// <summary>Counts that more was uncharged than the group held, and reports the first time.</summary>
    internal void ReportAccountingError(long bytes, long missing)
    {
        Debug.Assert(missing > 0, "Only what is missing is reported.");
        if (Count(EventKind.AccountingErrors) == 1)
        {
            TraceReport.Error(
                $"{bytes} bytes were uncharged from '{Path}', {missing} more than it held. The "
                + "excess was ignored. Further cases in this group are only counted (AccountingErrors).");
        }
    }

    /// <summary>Lets kernel charges without a handle pass uncounted.</summary>
    /// <returns>False when they are counted.</returns>
    internal bool TryPassKernelMemory()
    {
        lock (_controller.TreeLock) return _kernelAccounting.TryPass_NeedsLock(_state == MemoryGroupState.Online);
    }

    /// <summary>Counts kernel memory from here on.</summary>
    /// <exception cref="InvalidOperationException">The group is not empty; nothing has changed.</exception>
    internal void StartKernelAccounting()
    {
        lock (_controller.TreeLock)
        {
            if (CountsKernelMemory || _state == MemoryGroupState.Offline) return;
            long bytes = Memory.CurrentBytes, pins = PinsIfAny?.All.CurrentBytes ?? 0;
            int children = _children?.Count ?? 0;
            bool isEmpty = children == 0 && bytes == 0 && pins == 0;
            if (isEmpty && _kernelAccounting.TryStart_NeedsLock()) return;
            throw new InvalidOperationException(
                $"Cannot set the first Kernel.MaxBytes of '{Path}': it starts to count kernel memory "
                + $"({nameof(KernelAccountingMode)}.{nameof(KernelAccountingMode.OnFirstLimit)}), which a group can "
                + $"only do while it is empty, and this one has {children} children, {bytes} bytes of memory, {pins} "
                + $"bytes of pins and {_kernelAccounting.Handles} handles. Set KernelMaxBytes when it is created.");
        }
    }

    /// <summary>Kills the group and everything below it: takes no new charges from here on. The owners are not told.
    /// </summary>
    /// <param name="ending">Why.</param>
    /// <param name="spares">Which groups are left alone; called under the lock of the tree.</param>
    /// <returns>The groups that were killed by this call, each after all below it.</returns>
    internal IReadOnlyList<MemoryGroup> End(GroupEnding ending, Func<MemoryGroup, bool> spares)
    {
        Debug.Assert(Parent is not null, "The root is never killed.");
        List<MemoryGroup> killed;
        using (_controller.Reserves.Gate.EnterScope())
        {
            killed = MarkKilled(ending, spares);
            if (killed.Count == 0) return killed;
            foreach (MemoryGroup group in killed) group.CloseCounters_NeedsGate();
        }

        _controller.Reserves.Waiting.EndHopeless();   // who waits in them waits for nothing
        _controller.Reserves.Settle();
        return killed;
    }

    internal bool IsAtOrBelow(MemoryGroup other)
    {
        MemoryGroup? level = this;
        while (level is not null && level != other) level = level.Parent;
        return level is not null;
    }

    /// <summary>How it may end, or has; null while that is the default.</summary>
    internal GroupLife? Life => Volatile.Read(ref _life);

    internal GroupLife EnsureLife() =>
        Life ?? Interlocked.CompareExchange(ref _life, new GroupLife(), null) ?? _life;

    /// <summary>Its policy; null while it has none.</summary>
    internal GroupPolicy? Policy => Volatile.Read(ref _policy);

    internal MemoryController Controller => _controller;

    /// <summary>The children that have a policy: a snapshot.</summary>
    internal ReadOnlySpan<MemoryGroup> ChildrenWithPolicy =>
        Policy is { } policy ? policy.Children(_controller.TreeLock) : [];

    /// <summary>Its policy, and before that one for every group above.</summary>
    internal GroupPolicy EnsurePolicy()
    {
        // Under the lock also when there is one already: another thread may be linking it to the groups above.
        lock (_controller.TreeLock) return EnsurePolicy_NeedsLock();
    }

    internal void ApplyPolicy_NeedsLock(MemoryGroupOptions options)
    {
        GroupPolicy policy = EnsurePolicy_NeedsLock();
        policy.MinBytes = options.MinBytes;
        policy.LowBytes = options.LowBytes;
    }

    internal MemoryGroup? FindChild_NeedsLock(ReadOnlySpan<char> name)
    {
        Debug.Assert(_controller.TreeLock.IsHeldByCurrentThread, "The tree is read under its lock.");
        if (_children is null) return null;
        var children = _children.GetAlternateLookup<ReadOnlySpan<char>>();
        return children.TryGetValue(name, out MemoryGroup? child) ? child : null;
    }

    // Whoever wants one that is null only afterwards, finds the group ended: see EndWithGroup_NeedsLock.
    private MemoryCounter?[] OtherCounters => [_kernel, _pins?.All, _pins?.Locked, _pins?.Pinned];

    private void CloseCounters_NeedsGate() => ThreadReserves.Close_NeedsGate(Memory, OtherCounters);

    // False when it was unlinked already.
    private bool Unlink()
    {
        Debug.Assert(Parent is not null, "The root is never unlinked.");
        lock (_controller.TreeLock)
        {
            AssertInvariants_NeedsLock();
            if (_state == MemoryGroupState.Offline) return false;
            if (_children is { Count: > 0 })
            {
                throw new InvalidOperationException(
                    $"Cannot remove '{Path}': it still has {_children.Count} children. Remove them first.");
            }

            bool unlinked = Parent._children!.Remove(Name);
            Debug.Assert(unlinked, "An online group is its parent's child.");
            if (Parent._children.Count == 0)
            {
                Parent._children = null;   // what a table has once needed it keeps
            }
            else if (Parent._children.Capacity > Math.Max(TableKept, Parent._children.Count * 8))
            {
                Parent._children.TrimExcess(Parent._children.Count * 2);
            }

            _state = MemoryGroupState.Offline;
            _children = null;
            _kernelAccounting.Close_NeedsLock();
            if (_policy is not null)
            {
                Parent._policy!.RemoveChild_NeedsLock(this);
                _policy.MinBytes = _policy.LowBytes = 0;
            }

            AssertInvariants_NeedsLock();
            return true;
        }
    }

    private List<MemoryGroup> MarkKilled(GroupEnding ending, Func<MemoryGroup, bool> spares)
    {
        var killed = new List<MemoryGroup>();
        lock (_controller.TreeLock)
        {
            AssertInvariants_NeedsLock();
            if (_state == MemoryGroupState.Offline) return killed;
            var pending = new Stack<MemoryGroup>([this]);
            while (pending.TryPop(out MemoryGroup? group))
            {
                foreach (MemoryGroup child in group._children?.Values ?? Enumerable.Empty<MemoryGroup>())
                {
                    pending.Push(child);
                }

                if (group._state == MemoryGroupState.Killed || spares(group)) continue;
                group.EnsureLife().End_NeedsLock(ending);
                group._state = MemoryGroupState.Killed;
                group._kernelAccounting.Close_NeedsLock();
                group.AssertInvariants_NeedsLock();
                killed.Add(group);
            }
        }

        killed.Reverse();
        return killed;
    }

    [Conditional("DEBUG")]
    private void AssertInvariants_NeedsLock()
    {
        Debug.Assert(_controller.TreeLock.IsHeldByCurrentThread, "The tree is read under its lock.");
        bool online = _state != MemoryGroupState.Offline;
        bool linked = Parent is null || Parent.FindChild_NeedsLock(Name) == this;
        Debug.Assert(online == linked, "A group was not removed if and only if its parent lists it.");
        Debug.Assert(online || _children is null, "A removed group has no children.");
        Debug.Assert(!online || _policy is null || Parent is null || Parent._policy is not null,
            "Above a group that has a policy, every group has one.");
        if (online && Parent is not null)
        {
            Debug.Assert(Parent._state != MemoryGroupState.Offline, "What was not removed is below what was not.");
        }
    }

    private MemoryCounter NewKernelCounter(long maxBytes) => new(Parent?.Kernel, maxBytes)
    {
        Reserves = _controller.Reserves,
        AllowsReserves = true,
        Owner = this,
        Whole = Memory,
    };

    private PinCounters NewPinCounters(long maxBytes) =>
        new(Parent?.PinCounters, this, _controller.Reserves, maxBytes);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private MemoryCounter MakeKernelCounter()
    {
        lock (_controller.TreeLock)
        {
            foreach (MemoryGroup group in DownFromFirstWithout(static group => group._kernel is null))
            {
                MemoryCounter counter = group.NewKernelCounter(Unlimited);
                group.EndWithGroup_NeedsLock(counter);
                Volatile.Write(ref group._kernel, counter);
            }

            return _kernel!;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private PinCounters MakePinCounters()
    {
        lock (_controller.TreeLock)
        {
            foreach (MemoryGroup group in DownFromFirstWithout(static group => group._pins is null))
            {
                PinCounters counters = group.NewPinCounters(Unlimited);
                group.EndWithGroup_NeedsLock(counters.All);
                group.EndWithGroup_NeedsLock(counters.Locked);
                group.EndWithGroup_NeedsLock(counters.Pinned);
                Volatile.Write(ref group._pins, counters);
            }

            return _pins!;
        }
    }

    // Who has counters is below groups that have them.
    private Stack<MemoryGroup> DownFromFirstWithout(Predicate<MemoryGroup> lacks)
    {
        var groups = new Stack<MemoryGroup>();
        for (MemoryGroup? group = this; group is not null && lacks(group); group = group.Parent) groups.Push(group);
        return groups;
    }

    // A group ends under this lock before its counters are closed: what is made before that, Remove and End find.
    private void EndWithGroup_NeedsLock(MemoryCounter counter)
    {
        Debug.Assert(_controller.TreeLock.IsHeldByCurrentThread, "The tree changes under its lock.");
        if (_state == MemoryGroupState.Online) return;
        counter.Close();
        if (_state == MemoryGroupState.Offline) counter.Detach();
    }

    private GroupPolicy EnsurePolicy_NeedsLock()
    {
        Debug.Assert(_controller.TreeLock.IsHeldByCurrentThread, "The tree changes under its lock.");
        for (MemoryGroup group = this, below = this; ; below = group, group = group.Parent)
        {
            bool isNew = group._policy is null;
            if (isNew) Volatile.Write(ref group._policy, new GroupPolicy());
            if (below != group) group._policy!.AddChild_NeedsLock(below);
            if (!isNew || group.Parent is null || group._state == MemoryGroupState.Offline) return _policy!;
        }
    }

    private EventCounters Events() =>
        Volatile.Read(ref _events) ?? Interlocked.CompareExchange(ref _events, new EventCounters(), null) ?? _events;

    private MemoryEvents Read(Func<EventCounters, EventKind, long> read)
    {
        if (Volatile.Read(ref _events) is not { } events) return default;
        return new MemoryEvents
        {
            Low = read(events, EventKind.Low),
            High = read(events, EventKind.High),
            HighDelays = read(events, EventKind.HighDelays),
            HighDeadlines = read(events, EventKind.HighDeadlines),
            MemoryMax = read(events, EventKind.MemoryMax),
            MemoryForced = read(events, EventKind.MemoryForced),
            KernelMax = read(events, EventKind.KernelMax),
            KernelForced = read(events, EventKind.KernelForced),
            PinsMax = read(events, EventKind.PinsMax),
            PinsForced = read(events, EventKind.PinsForced),
            Oom = read(events, EventKind.Oom),
            OomKill = read(events, EventKind.OomKill),
            OomGroupKill = read(events, EventKind.OomGroupKill),
            AccountingErrors = read(events, EventKind.AccountingErrors),
            ReclaimErrors = read(events, EventKind.ReclaimErrors),
        };
    }
}
