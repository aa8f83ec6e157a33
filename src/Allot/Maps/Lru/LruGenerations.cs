// The lists of use of all nodes, or of those of one processor. A node that is added is inactive and unused. What is
// used meanwhile becomes active, at the next rotation or when the search for old nodes comes by; what is active and no
// longer used becomes inactive again. Old nodes are taken from the end of the inactive ones. Each step looks at so
// many nodes at most, so that nobody waits long. (The lists of Linux, kernel/bpf/bpf_lru_list.c, whose counts and
// order this keeps.)
//
// Under one lock, which is the caller's. To remove a node from the index it takes the lock of a bucket inside.

using System.Diagnostics;

namespace Allot.Maps;

internal sealed class LruGenerations
{
    public const int HeadCount = 3;

    private readonly LruIndex _index;
    private readonly int _visitsMax;
    private LruList _free;
    private LruList _active;
    private LruList _inactive;
    private int _hand;   // where the rotation of inactive nodes goes on: a node, or the head

    public LruGenerations(in LruIndex index, int firstHead, int visitsMax)
    {
        _index = index;
        _visitsMax = visitsMax;
        _free = new LruList(index.Nodes, firstHead, LruPlace.Free);
        _active = new LruList(index.Nodes, firstHead + 1, LruPlace.Active);
        _inactive = new LruList(index.Nodes, firstHead + 2, LruPlace.Inactive);
        _hand = _inactive.Head;
    }

    public int FreeCount => _free.Count;

    public int Count => _free.Count + _active.Count + _inactive.Count;

    private LruNodes Nodes => _index.Nodes;

    public void Validate()
    {
        _free.Validate(Nodes);
        _active.Validate(Nodes);
        _inactive.Validate(Nodes);
        bool isHand = _hand == _inactive.Head || Nodes[_hand].Place == LruPlace.Inactive;
        if (!isHand) throw new InvalidOperationException("The hand is not at an inactive node.");
    }

    public void AddFree(int node) => _free.AddFirst(Nodes, node);

    /// <summary>Adds a node that was in no list here.</summary>
    public void Add(int node)
    {
        bool isUsed = Nodes[node].IsUsed;
        Nodes[node].IsUsed = false;
        if (isUsed) _active.AddFirst(Nodes, node);
        else _inactive.AddFirst(Nodes, node);
    }

    /// <summary>A free node, which is in no list then; -1 when there is none.</summary>
    public int TakeFree()
    {
        if (_free.Count == 0) return -1;
        int node = _free.First(Nodes);
        _free.Remove(Nodes, node);
        return node;
    }

    /// <summary>A node becomes free, wherever it is here.</summary>
    public void Free(int node)
    {
        Take(node);
        _free.AddFirst(Nodes, node);
    }

    public void Rotate()
    {
        if (_inactive.Count < _active.Count) RotateActive();
        RotateInactive();
    }

    /// <summary>Frees old nodes: removes them from the index and adds them to a list.</summary>
    /// <param name="wanted">How many, if there are so many among those that may be looked at; otherwise one at least,
    /// also when all are in use.</param>
    /// <param name="target">Where they go.</param>
    public void Shrink(int wanted, ref LruList target)
    {
        if (ShrinkInactive(wanted, ref target) == 0) ForceOne(ref target);
    }

    /// <summary>The same, to the free nodes here.</summary>
    public void Shrink(int wanted) => Shrink(wanted, ref _free);

    private void RotateActive()
    {
        int node = _active.Last(Nodes);
        for (int visits = int.Min(_visitsMax, _active.Count); visits > 0; visits--)
        {
            int previous = Nodes[node].Previous;
            bool isUsed = Nodes[node].IsUsed;
            Nodes[node].IsUsed = false;
            _active.Remove(Nodes, node);
            if (isUsed) _active.AddFirst(Nodes, node);
            else _inactive.AddFirst(Nodes, node);
            node = previous;
        }
    }

    // Towards newer nodes, and from the newest on to the oldest; once around at most.
    private void RotateInactive()
    {
        int node = _hand;
        for (int visits = int.Min(_visitsMax, _inactive.Count); visits > 0; visits--)
        {
            if (node == _inactive.Head) node = _inactive.Last(Nodes);
            int previous = Nodes[node].Previous;
            if (Nodes[node].IsUsed) Activate(node);
            node = previous;
        }

        _hand = node;
    }

    private int ShrinkInactive(int wanted, ref LruList target)
    {
        int shrunk = 0;
        int node = _inactive.Last(Nodes);
        for (int visits = int.Min(_visitsMax, _inactive.Count); visits > 0 && shrunk < wanted; visits--)
        {
            int previous = Nodes[node].Previous;
            if (Nodes[node].IsUsed) Activate(node);
            else if (TryMove(node, ref target)) shrunk++;
            node = previous;
        }

        return shrunk;
    }

    private void ForceOne(ref LruList target)
    {
        ref LruList list = ref _inactive.Count > 0 ? ref _inactive : ref _active;
        for (int node = list.Last(Nodes); node != list.Head; node = Nodes[node].Previous)
        {
            if (TryMove(node, ref target)) return;
        }
    }

    private bool TryMove(int node, ref LruList target)
    {
        if (!_index.TryRemove(node)) return false;
        Take(node);
        target.AddFirst(Nodes, node);
        return true;
    }

    private void Activate(int node)
    {
        Take(node);
        Nodes[node].IsUsed = false;
        _active.AddFirst(Nodes, node);
    }

    private void Take(int node)
    {
        Debug.Assert(Nodes[node].Place is LruPlace.Active or LruPlace.Inactive, "The node is in a list of use.");
        if (node == _hand) _hand = Nodes[node].Previous;
        if (Nodes[node].Place == LruPlace.Active) _active.Remove(Nodes, node);
        else _inactive.Remove(Nodes, node);
    }
}
