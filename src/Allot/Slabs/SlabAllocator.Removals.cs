// What a removed group leaves. Nobody takes blocks for it any more, so its private slabs go back as soon as they are
// empty, and the timer forgets the rest of it.

namespace Allot;

internal sealed unsafe partial class SlabAllocator
{
    // Caches with slabs for each group. Added to under _classesLock; read without.
    private SlabCache[] _privateCaches = [];

    /// <summary>Caches without private slabs need not be known.</summary>
    public void AddPrivateCache(SlabCache cache)
    {
        using (_classesLock.EnterScope()) Volatile.Write(ref _privateCaches, [.. _privateCaches, cache]);
    }

    private void OnRemoved(MemoryGroup group)
    {
        bool isKnown = _owners.Find(group, MemoryKind.User) != 0 || _owners.Find(group, MemoryKind.Kernel) != 0;
        if (!isKnown) return;
        foreach (SlabCache cache in Volatile.Read(ref _privateCaches)) cache.EndGroup(group);
        NoteActivity();
    }

    private void ForgetInCaches()
    {
        foreach (SlabCache cache in Volatile.Read(ref _privateCaches)) cache.ForgetRemovedGroups();
    }
}
