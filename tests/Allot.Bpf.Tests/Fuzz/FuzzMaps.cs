using Allot.Maps;

namespace Allot.Bpf.Tests.Fuzz;

/// <summary>The maps that a program refers to, which are made anew for the next one when a run may have changed them.
/// </summary>
internal sealed class FuzzMaps(MemoryGroup group, Func<MemoryGroup, IReadOnlyList<GroupMap>> make) : IDisposable
{
    private IReadOnlyList<GroupMap>? _made;
    private bool _isUsed;

    /// <summary>What every run finds in the same state.</summary>
    public IReadOnlyList<GroupMap> Fresh()
    {
        if (_isUsed) Dispose();
        return _made ??= make(group);
    }

    /// <summary>A program runs now.</summary>
    public void Use() => _isUsed = true;

    public void Dispose()
    {
        foreach (GroupMap map in _made ?? []) map.Dispose();
        (_made, _isUsed) = (null, false);
        long left = group.Memory.CurrentBytes;
        if (left != 0) throw new InvalidOperationException($"{left} bytes of maps stay charged");
    }
}
