// Groups are removed, so their values need not wait for the collector. Whoever adds a value looks at the state of the
// group under the gate of the storage; a group is removed first, and its value deleted under the gate afterwards. So
// either the value is there to be deleted, or it is not added.

namespace Allot.Maps;

/// <summary>A value for each group, which goes with it: when the group is removed.</summary>
public sealed class GroupStorage : LocalStorage<MemoryGroup>
{
    private readonly Listener _listener;

    /// <summary>Makes the storage. Nothing is charged yet.</summary>
    /// <param name="group">Who pays for the values.</param>
    /// <param name="definition">A key has 4 bytes, the capacity is 0, the flag is NO_PREALLOC.</param>
    /// <exception cref="MapRefusedException">The definition is none of a storage.</exception>
    public GroupStorage(MemoryGroup group, MapDefinition definition)
        : base(group, definition)
    {
        _listener = new Listener(this);
        GroupRemovals.Removed += _listener.OnRemoved;
    }

    private protected override bool MayHaveValue(MemoryGroup owner) => owner.State != MemoryGroupState.Offline;

    private protected override void Free()
    {
        GroupRemovals.Removed -= _listener.OnRemoved;
        base.Free();
    }

    // Keeps no storage alive that nobody has disposed.
    private sealed class Listener(GroupStorage storage)
    {
        private readonly WeakReference<GroupStorage> _storage = new(storage);

        public void OnRemoved(MemoryGroup group)
        {
            if (_storage.TryGetTarget(out GroupStorage? found)) found.Delete(group);
            else GroupRemovals.Removed -= OnRemoved;
        }
    }
}
