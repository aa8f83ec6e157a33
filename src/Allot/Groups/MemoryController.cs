namespace Allot;

/// <summary>One tree of memory groups. Most processes have one.</summary>
/// <remarks>All members may be used from any thread. Trees are independent of each other.</remarks>
public sealed class MemoryController
{
    /// <summary>Creates a tree that has only its root.</summary>
    /// <param name="rootOptions">The limits of the whole tree; none when null.</param>
    /// <param name="options">How the tree works; the defaults when null.</param>
    /// <exception cref="ArgumentOutOfRangeException">A limit or another amount is negative, a protection is above the
    /// limit, or a mode is unknown.</exception>
    public MemoryController(MemoryGroupOptions? rootOptions = null, MemoryControllerOptions? options = null)
    {
        rootOptions ??= new MemoryGroupOptions();
        rootOptions.Validate(parent: null, name: "");
        if (rootOptions.KillsAsOne)
        {
            throw new ArgumentException("The root group '/' is never killed, not as one either.", nameof(rootOptions));
        }

        options ??= new MemoryControllerOptions();
        options.Validate();
        Time = options.Time;
        OutOfMemoryPolicyOrNull = options.OutOfMemoryPolicyOrNull;
        OutOfMemoryGrace = options.OutOfMemoryGrace;
        GroupPayerOrNull = options.GroupPayerOrNull;
        CountsAllKernelMemory =
            KernelAccountingSwitch.IsOn && options.KernelAccounting == KernelAccountingMode.Always;
        Reserves = new TreeReserves(options.ReservesMaxBytes, options.Time, ReportMissing)
        {
            BeforeLimit = BeforeLimit_NeedsGate,
        };
        SharesUnclaimedProtection = options.SharesUnclaimedProtection;
        HighDelayMax = options.HighDelayMax;
        Root = new MemoryGroup(this, parent: null, name: "", rootOptions);
        using (TreeLock.EnterScope())
        {
            if (rootOptions.HasPolicy) Root.ApplyPolicy_NeedsLock(rootOptions);
        }
    }

    /// <summary>The group above all others: no name, the path <c>/</c>, and it cannot be removed.</summary>
    public MemoryGroup Root { get; }

    /// <summary>
    /// Guards the shape of the tree: which groups exist and who their children are. Never held while charging.
    /// </summary>
    internal SteadyLock TreeLock { get; } = new();

    /// <summary>The time by which waits end.</summary>
    internal TimeProvider Time { get; }

    /// <summary>What threads hold in advance from this tree, and the gate to take it back.</summary>
    internal TreeReserves Reserves { get; }

    /// <summary>Whether every group counts its kernel memory from its creation on.</summary>
    internal bool CountsAllKernelMemory { get; }

    /// <summary>See <see cref="MemoryControllerOptions.SharesUnclaimedProtection"/>.</summary>
    internal bool SharesUnclaimedProtection { get; set; }

    /// <summary>See <see cref="MemoryControllerOptions.HighDelayMax"/>.</summary>
    internal TimeSpan HighDelayMax { get; }

    /// <summary>How long a charge waits for the reclaim of another thread in the same group.</summary>
    internal TimeSpan ReclaimWaitMax { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>See <see cref="MemoryControllerOptions.OutOfMemoryGrace"/>.</summary>
    internal TimeSpan OutOfMemoryGrace { get; }

    /// <summary>The policy as it was given with the options, whose type is of a higher layer.</summary>
    internal object? OutOfMemoryPolicyOrNull { get; }

    /// <summary>Who has parents pay for the groups below them; null for nobody.</summary>
    internal GroupPayer? GroupPayerOrNull { get; }

    /// <summary>What the out-of-memory layer keeps; null until it is needed.</summary>
    internal object? OutOfMemory;

    // Under the lock of the tree: who watches groups; and the points of all of them, a bit for each, read without it.
    private readonly List<GroupWatcher> _watchers = [];
    private volatile int _watchedPoints;

    /// <summary>A bit for each point that somebody watches in this tree; 0 as long as nobody does.</summary>
    internal int WatchedPoints => _watchedPoints;

    /// <summary>Finds a group by its path.</summary>
    /// <param name="path">Names from the root, each after a slash: <c>/tenants/acme</c>; <c>/</c> is the root. Exact: a
    /// slash too many is a name that no group has.</param>
    /// <returns>The group, or null when there is none at that path.</returns>
    /// <exception cref="ArgumentException">The path does not start with a slash.</exception>
    public MemoryGroup? Find(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (!path.StartsWith('/'))
        {
            throw new ArgumentException($"A group path starts with '/'; '{path}' does not.", nameof(path));
        }

        using (TreeLock.EnterScope())
        {
            MemoryGroup? group = Root;
            if (path.Length == 1) return group;
            ReadOnlySpan<char> names = path.AsSpan(1);
            foreach (Range name in names.Split('/')) group = group?.FindChild_NeedsLock(names[name]);
            return group;
        }
    }

    /// <summary>Lets somebody watch a group.</summary>
    /// <returns>False when the group was removed, or is watched already.</returns>
    internal bool TryWatch(MemoryGroup group, GroupWatcher watcher)
    {
        group.EnsurePolicy();
        using (TreeLock.EnterScope())
        {
            if (group.State == MemoryGroupState.Offline || group.Policy!.Watcher is not null) return false;
            group.Policy!.Watcher = watcher;
            _watchers.Add(watcher);
            _watchedPoints |= watcher.Points;
            return true;
        }
    }

    /// <summary>Ends it.</summary>
    /// <returns>False when it has ended already.</returns>
    internal bool TryUnwatch(MemoryGroup group, GroupWatcher watcher)
    {
        using (TreeLock.EnterScope())
        {
            if (group.Policy?.Watcher != watcher) return false;
            group.Policy.Watcher = null;
            _watchers.Remove(watcher);
            int points = 0;
            foreach (GroupWatcher other in _watchers) points |= other.Points;
            _watchedPoints = points;
            return true;
        }
    }

    private static void ReportMissing(MemoryCounter counter, long bytes)
    {
        var group = (MemoryGroup)counter.Owner!;
        if (counter != group.KernelIfAny || !group.KernelAccounting.HadUncounted)
        {
            group.ReportAccountingError(bytes, bytes);
        }
    }

    private static void BeforeLimit_NeedsGate(MemoryCounter counter, long maxBytes)
    {
        var group = (MemoryGroup)counter.Owner!;
        if (counter == group.Memory) ProtectionBound.ValidateMax_NeedsGate(group, maxBytes);
        if (counter == group.KernelIfAny && maxBytes != MemoryGroup.Unlimited) group.StartKernelAccounting();
    }
}
