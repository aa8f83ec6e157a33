// The children of a group: making and finding them.

using System.Diagnostics;

namespace Allot;

public sealed partial class MemoryGroup
{
    /// <summary>The groups directly below, in no particular order: a snapshot. Allocates.</summary>
    public IReadOnlyList<MemoryGroup> Children
    {
        get
        {
            using (_controller.TreeLock.EnterScope()) return _children is null ? [] : [.. _children.Values];
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
        MemoryGroup child;
        if (_controller.GroupPayerOrNull is { } payer && CountsKernelMemory)
        {
            child = CreatePaid(payer, name, options);
        }
        else
        {
            using (_controller.TreeLock.EnterScope()) child = AddChild_NeedsLock(name, options);
        }

        if (_controller.WatchedPoints != 0) GroupWatcher.TellCreated(child);
        return child;
    }

    // The charge comes first, without the lock of the tree, under which nobody charges; and only for what can succeed.
    private MemoryGroup CreatePaid(GroupPayer payer, string name, MemoryGroupOptions options)
    {
        using (_controller.TreeLock.EnterScope())
        {
            ThrowIfCannotAdd_NeedsLock(name, isTaken: _children?.ContainsKey(name) ?? false);
        }
        int bytes = GroupFootprint.BytesOf(name, options);
        if (!payer.TryCharge(this, name, bytes)) bytes = 0;   // it has ended meanwhile, as we are about to find
        try
        {
            using (_controller.TreeLock.EnterScope())
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

    internal bool IsAtOrBelow(MemoryGroup other)
    {
        MemoryGroup? level = this;
        while (level is not null && level != other) level = level.Parent;
        return level is not null;
    }

    internal MemoryGroup? FindChild_NeedsLock(ReadOnlySpan<char> name)
    {
        Debug.Assert(_controller.TreeLock.IsHeldByCurrentThread, "The tree is read under its lock.");
        if (_children is null) return null;
        var children = _children.GetAlternateLookup<ReadOnlySpan<char>>();
        return children.TryGetValue(name, out MemoryGroup? child) ? child : null;
    }
}
