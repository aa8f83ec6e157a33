namespace Allot;

/// <summary>What a higher layer hangs on a group.</summary>
internal abstract class GroupAttachment
{
    /// <summary>The group was removed: called once, after it, outside of the lock of the tree.</summary>
    /// <param name="heir">What hangs on its parent; null for nothing.</param>
    public abstract void OnRemoved(GroupAttachment? heir);
}
