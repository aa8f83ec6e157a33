using System.Runtime.CompilerServices;

namespace Allot.Tests;

/// <summary>I6: what a removed group holds is its parent's at once; the group object keeps nothing alive.</summary>
public sealed class I6_NoZombiesTests
{
    private readonly TreeOfThree _tree = new();

    [Fact]
    public void What_a_removed_group_holds_is_its_parents_at_once()
    {
        _tree.Leaf.Charge(MemoryKind.Kernel, 10);
        _tree.Leaf.ForcePin(PinKind.Locked, 3);
        _tree.Leaf.Remove();
        Assert.Equal([10, 10, 0], _tree.Memory);
        Assert.Equal([10, 10, 0], _tree.Kernel);
        Assert.Equal([3, 3, 0], _tree.Pins);
        Assert.Empty(TreeWalk.FindViolations(_tree.Controller));
    }

    [Fact]
    public void Bytes_return_through_any_number_of_removed_groups()
    {
        MemoryCharge charge = _tree.Leaf.Hold(MemoryKind.User, 10);
        _tree.Leaf.Remove();
        _tree.Middle.Remove();
        Assert.Equal([10, 0, 0], _tree.Memory);
        charge.Dispose();
        Assert.Equal([0, 0, 0], _tree.Memory);
        Assert.All(_tree.Groups, group => Assert.Equal(0, group.Memory.RecordedBytes));
    }

    [Fact]
    public void The_successor_of_a_name_shares_nothing_with_the_removed_group()
    {
        MemoryCharge charge = _tree.Leaf.Hold(MemoryKind.User, 10);
        _tree.Leaf.Remove();
        MemoryGroup successor = _tree.Middle.CreateChild("b");
        Assert.Equal(0, successor.Memory.CurrentBytes);
        charge.Dispose();
        Assert.Equal(0, successor.Memory.CurrentBytes);
        Assert.Equal(default, successor.ReadEvents());
    }

    [Fact]
    public void A_removed_group_that_holds_nothing_is_collected()
    {
        WeakReference removed = CreateAndRemove(keep: null);
        Collect();
        Assert.False(removed.IsAlive);
        Assert.Equal(10, _tree.Middle.Memory.CurrentBytes);   // bytes without a handle stay with the parent
    }

    [Fact]
    public void A_removed_group_lives_as_long_as_a_handle_holds_bytes_of_it()
    {
        var handles = new List<MemoryCharge>();
        WeakReference removed = CreateAndRemove(handles);
        Collect();
        Assert.True(removed.IsAlive);
        handles.ForEach(handle => handle.Dispose());
        handles.Clear();
        Collect();
        Assert.False(removed.IsAlive);
    }

    [Fact]
    public void A_charge_that_reaches_the_counters_after_removal_is_refused()
    {
        // The charge has looked at the state, the group goes, and then the charge reaches the counters.
        _tree.Leaf.Remove();
        Assert.False(_tree.Leaf.Memory.TryCharge(10, out MemoryCounter? limiter));
        Assert.Null(limiter);
        Assert.Equal([0, 0, 0], _tree.Memory);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private WeakReference CreateAndRemove(List<MemoryCharge>? keep)
    {
        MemoryGroup group = _tree.Middle.CreateChild("short-lived");
        group.Charge(MemoryKind.User, 10);
        keep?.Add(group.Hold(MemoryKind.User, 5));
        group.Remove();
        return new WeakReference(group);
    }

    private static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
    }
}
