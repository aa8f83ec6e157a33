// A node of the tree: its place, its counters, its state. Each of the other files of this class is one idea: Children,
// Counters (those made when first wanted), Ending (removing and killing), Events, Policy. Charging is in Charging/.
//
// Lock order: the gate of the tree (TreeReserves), then MemoryController.TreeLock, under which nothing else is taken
// and no foreign code runs.

using System.Diagnostics;

namespace Allot;

/// <summary>
/// A memory group: what it and its descendants use is counted on every level up to the root, and limited on each.
/// </summary>
/// <remarks>All members may be used from any thread.</remarks>
public sealed partial class MemoryGroup
{
    /// <summary>The value of a limit that is not there.</summary>
    public const long Unlimited = MemorySize.Unlimited;

    /// <summary>The largest single charge: 64 TiB.</summary>
    /// <remarks>65,535 racing charges of this size still cannot wrap a counter.</remarks>
    public const long MaxChargeBytes = MemoryCounter.MaxChargeBytes;

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

    /// <inheritdoc/>
    public override string ToString() => _state switch
    {
        MemoryGroupState.Offline => $"{Path} (removed)",
        MemoryGroupState.Killed => $"{Path} (killed)",
        _ => Path,
    };

    internal MemoryController Controller => _controller;

    /// <summary>What the parent pays for this group; 0 where nobody does.</summary>
    internal int MetadataBytes => Volatile.Read(ref _metadataBytes);

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
}
