using System.Diagnostics;

namespace Allot.Maps;

/// <summary>A list of nodes, in both directions. Its head is a node that is no element: an empty list is a head that is
/// its own neighbour.</summary>
/// <remarks>Whoever uses it holds the lock of the list.</remarks>
internal struct LruList
{
    public LruList(in LruNodes nodes, int head, LruPlace place)
    {
        Head = head;
        Place = place;
        nodes[head].Previous = nodes[head].Next = head;
    }

    public int Head { get; }

    public LruPlace Place { get; }

    public int Count { get; private set; }

    public readonly int First(in LruNodes nodes) => nodes[Head].Next;

    public readonly int Last(in LruNodes nodes) => nodes[Head].Previous;

    /// <summary>Checks that the list has as many nodes as it says, and that they say so too.</summary>
    public readonly void Validate(in LruNodes nodes)
    {
        int count = 0;
        for (int node = First(nodes); node != Head; node = nodes[node].Next, count++)
        {
            if (nodes[node].Place != Place || nodes[nodes[node].Next].Previous != node || count == Count)
            {
                throw new InvalidOperationException($"Node {node} is not rightly in the list {Place}.");
            }
        }

        if (count != Count) throw new InvalidOperationException($"The list {Place} has {count} nodes, not {Count}.");
    }

    public void AddFirst(in LruNodes nodes, int node)
    {
        ref LruNode head = ref nodes[Head];
        ref LruNode added = ref nodes[node];
        added.Previous = Head;
        added.Next = head.Next;
        added.Place = Place;
        nodes[head.Next].Previous = node;
        head.Next = node;
        Count++;
    }

    public void Remove(in LruNodes nodes, int node)
    {
        ref LruNode removed = ref nodes[node];
        Debug.Assert(removed.Place == Place, "A node is removed from the list that it is in.");
        Debug.Assert(Count > 0, "A list with a node in it is not empty.");
        nodes[removed.Previous].Next = removed.Next;
        nodes[removed.Next].Previous = removed.Previous;
        Count--;
    }
}
