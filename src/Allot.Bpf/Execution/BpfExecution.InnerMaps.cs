// The end of a run gives back in this order: records that are reserved in rings, values of local storage, maps. A
// record lies in its ring and a value in its storage, and such a map may have been found here: nobody else may have it
// any more, and then its memory goes as soon as it is released. A tail call releases none of them, because what was
// held before it is still held.

using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Allot.Maps;

namespace Allot.Bpf;

/// <content>Maps that a program finds in maps of maps. Each stays until the run ends, whatever happens to the map that
/// it was found in.</content>
public sealed unsafe partial class BpfExecution
{
    /// <summary>What a register holds for the first map that the run has found. It is nobody's address.</summary>
    internal const ulong InnerMapBase = 0xb9f2_0000_0000_0000;

    private readonly List<GroupMap> _inner = [];
    private readonly Dictionary<GroupMap, int> _innerIndex = [];
    private int _innerLast;   // where an address was found last

    /// <summary>The map of a key in a map of maps, as a number for the program; 0 if there is none.</summary>
    internal ulong LookUpInner(GroupMap outer, byte* key)
    {
        GroupMap? found = outer is ArrayOfMaps array ? array.FindAndUse(key) : ((HashOfMaps)outer).FindAndUse(key);
        if (found is null) return 0;
        if (_innerIndex.TryGetValue(found, out int index))
        {
            found.Release();
            return InnerMapBase + (ulong)index;
        }

        IsTouched = true;
        _inner.Add(found);
        _innerIndex.Add(found, _inner.Count - 1);
        return InnerMapBase + (ulong)(_inner.Count - 1);
    }

    /// <summary>The map that an argument names, if programs may change it.</summary>
    internal bool TryGetMapToChange(ulong argument, [NotNullWhen(true)] out GroupMap? map) =>
        TryGetMap(argument, out map) && !map.Definition.Has(MapFlags.ReadOnlyForPrograms);

    private GroupMap? InnerAt(ulong argument)
    {
        ulong index = argument - InnerMapBase;
        return index < (ulong)_inner.Count ? _inner[(int)index] : null;
    }

    private bool OwnsInInner(ulong address, ulong bytes, bool writes)
    {
        if (_inner[_innerLast].Contains(address, bytes, writes)) return true;
        for (int index = 0; index < _inner.Count; index++)
        {
            if (!_inner[index].Contains(address, bytes, writes)) continue;
            _innerLast = index;
            return true;
        }

        return false;
    }

    private void ReleaseInner()
    {
        Debug.Assert(_held.Count == 0, "Nothing is held in a map any more when it is released.");
        Debug.Assert(_innerIndex.Count == _inner.Count, "Each map that was found is released once.");
        foreach (GroupMap map in _inner) map.Release();
        _inner.Clear();
        _innerIndex.Clear();
        _innerLast = 0;
    }
}
