// The counters of kernel memory and pins, which most groups never need: made when first wanted, those of the parent
// before. And when kernel memory begins to be counted (KernelAccounting.cs).

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Allot;

public sealed partial class MemoryGroup
{
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

    /// <summary>Lets kernel charges without a handle pass uncounted.</summary>
    /// <returns>False when they are counted.</returns>
    internal bool TryPassKernelMemory()
    {
        using (_controller.TreeLock.EnterScope())
        {
            return _kernelAccounting.TryPass_NeedsLock(_state == MemoryGroupState.Online);
        }
    }

    /// <summary>Counts kernel memory from here on.</summary>
    /// <exception cref="InvalidOperationException">The group is not empty; nothing has changed.</exception>
    internal void StartKernelAccounting()
    {
        KernelAccountingSwitch.ThrowIfOff();
        using (_controller.TreeLock.EnterScope())
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
        using (_controller.TreeLock.EnterScope())
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
        using (_controller.TreeLock.EnterScope())
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
}
