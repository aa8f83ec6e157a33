// An order for each processor, with an equal share of the nodes. A processor takes only its own, so it makes room while
// others have free ones; in return it takes no lock that others want, but to give back what they have taken.

namespace Allot.Maps;

internal sealed class PerProcessorLruOrder : LruOrder
{
    private const int VisitsMax = 4;
    private const int Target = 4;

    private readonly LruIndex _index;
    private readonly Local[] _locals;
    private readonly int _share;

    public PerProcessorLruOrder(in LruIndex index, int capacity, int processors)
    {
        _index = index;
        _locals = new Local[processors];
        int share = _share = capacity / processors;
        for (int processor = 0; processor < processors; processor++)
        {
            int head = capacity + (LruGenerations.HeadCount * processor);
            _locals[processor] = new Local(new LruGenerations(index, head, VisitsMax));
            for (int node = ((processor + 1) * share) - 1; node >= processor * share; node--)
            {
                index.Nodes[node].Processor = (ushort)processor;
                _locals[processor].Generations.AddFree(node);
            }
        }
    }

    public override long FreeCount
    {
        get
        {
            long count = 0;
            foreach (Local local in _locals)
            {
                lock (local.Lock) count += local.Generations.FreeCount;
            }

            return count;
        }
    }

    public static int HeadCountOf(int processors) => LruGenerations.HeadCount * processors;

    public override int Take(uint hash, int processor)
    {
        Local local = _locals[processor];
        lock (local.Lock)
        {
            LruGenerations generations = local.Generations;
            generations.Rotate();
            if (generations.FreeCount == 0) generations.Shrink(Target);
            int node = generations.TakeFree();
            if (node < 0) return -1;
            ref LruNode taken = ref _index.Nodes[node];
            taken.Hash = hash;
            taken.IsUsed = false;
            generations.Add(node);
            return node;
        }
    }

    public override void Give(int node)
    {
        Local local = _locals[_index.Nodes[node].Processor];
        lock (local.Lock) local.Generations.Free(node);
    }

    public override void Validate()
    {
        foreach (Local local in _locals)
        {
            local.Generations.Validate();
            if (local.Generations.Count != _share) throw new InvalidOperationException("A processor has lost a node.");
        }
    }

    private sealed class Local(LruGenerations generations)
    {
        public readonly Lock Lock = new();
        public readonly LruGenerations Generations = generations;
    }
}
