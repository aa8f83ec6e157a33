// One order for all processors. So that not every update takes its one lock, each processor has free nodes of its own,
// and a list of those it has handed out since (pending): they join the order when the processor needs free nodes again,
// many at a time. That is why room is made for many at once.
//
// Locks: that of one processor, inside it the common one, inside that the lock of a bucket. Nobody holds those of two
// processors. A node changes its place only under the lock of the place; Give reads it before, and again inside.

namespace Allot.Maps;

internal sealed class CommonLruOrder : LruOrder
{
    private const int VisitsMax = 128;
    private const int TargetMax = 128;

    private readonly LruIndex _index;
    private readonly Lock _lock = new();
    private readonly LruGenerations _generations;
    private readonly Local[] _locals;
    private readonly int _capacity;
    private readonly int _target;

    public CommonLruOrder(in LruIndex index, int capacity, int processors)
    {
        _index = index;
        _capacity = capacity;
        _target = TargetOf(capacity, processors);
        _generations = new LruGenerations(index, capacity, VisitsMax);
        _locals = new Local[processors];
        for (int processor = 0; processor < processors; processor++)
        {
            int head = capacity + LruGenerations.HeadCount + (Local.HeadCount * processor);
            _locals[processor] = new Local(index.Nodes, head, next: (processor + 1) % processors);
        }

        for (int node = capacity - 1; node >= 0; node--) _generations.AddFree(node);
    }

    public override long FreeCount
    {
        get
        {
            long count = 0;
            foreach (Local local in _locals)
            {
                lock (local.Lock) count += local.Free.Count;
            }

            lock (_lock) return count + _generations.FreeCount;
        }
    }

    private LruNodes Nodes => _index.Nodes;

    /// <summary>How many nodes a processor makes free at a time.</summary>
    public static int TargetOf(int capacity, int processors) => int.Clamp(capacity / processors / 2, 1, TargetMax);

    public static int HeadCountOf(int processors) => LruGenerations.HeadCount + (Local.HeadCount * processors);

    public override int Take(uint hash, int processor)
    {
        Local local = _locals[processor];
        lock (local.Lock)
        {
            if (local.Free.Count == 0) Refill(local);
            if (local.Free.Count > 0)
            {
                int node = local.Free.First(Nodes);
                local.Free.Remove(Nodes, node);
                AddPending(local, node, hash, processor);
                return node;
            }
        }

        return TakeFromOthers(local, hash, processor);
    }

    public override void Give(int node)
    {
        if (Nodes[node].Place == LruPlace.LocalPending)
        {
            Local local = _locals[Nodes[node].Processor];
            lock (local.Lock)
            {
                if (Nodes[node].Place == LruPlace.LocalPending)
                {
                    local.Pending.Remove(Nodes, node);
                    local.Free.AddFirst(Nodes, node);
                    return;
                }
            }
        }

        lock (_lock) _generations.Free(node);
    }

    public override void Validate()
    {
        int count = _generations.Count;
        _generations.Validate();
        foreach (Local local in _locals)
        {
            local.Free.Validate(Nodes);
            local.Pending.Validate(Nodes);
            count += local.Free.Count + local.Pending.Count;
        }

        if (count != _capacity) throw new InvalidOperationException($"{count} of {_capacity} nodes are in lists.");
    }

    // Under the lock of the processor.
    private void Refill(Local local)
    {
        lock (_lock)
        {
            while (local.Pending.Count > 0)
            {
                int oldest = local.Pending.Last(Nodes);
                local.Pending.Remove(Nodes, oldest);
                _generations.Add(oldest);
            }

            _generations.Rotate();
            while (local.Free.Count < _target)
            {
                int node = _generations.TakeFree();
                if (node < 0) break;
                local.Free.AddFirst(Nodes, node);
            }

            if (local.Free.Count < _target) _generations.Shrink(_target - local.Free.Count, ref local.Free);
        }
    }

    // Everything that could be made free is with other processors, free or pending.
    private int TakeFromOthers(Local local, uint hash, int processor)
    {
        int first = local.Next;
        int node = -1;
        int other = first;
        do
        {
            Local from = _locals[other];
            lock (from.Lock) node = TakeFrom(from);
            other = other + 1 == _locals.Length ? 0 : other + 1;
        }
        while (node < 0 && other != first);
        local.Next = other;
        if (node < 0) return -1;
        lock (local.Lock) AddPending(local, node, hash, processor);
        return node;
    }

    // Pending nodes last, and of those the ones that were used last of all.
    private int TakeFrom(Local local)
    {
        if (local.Free.Count > 0)
        {
            int free = local.Free.First(Nodes);
            local.Free.Remove(Nodes, free);
            return free;
        }

        for (int round = 0; round < 2; round++)
        {
            for (int node = local.Pending.Last(Nodes); node != local.Pending.Head; node = Nodes[node].Previous)
            {
                bool mayTake = round == 1 || !Nodes[node].IsUsed;
                if (!mayTake || !_index.TryRemove(node)) continue;
                local.Pending.Remove(Nodes, node);
                return node;
            }
        }

        return -1;
    }

    private void AddPending(Local local, int node, uint hash, int processor)
    {
        ref LruNode pending = ref Nodes[node];
        pending.Hash = hash;
        pending.Processor = (ushort)processor;
        pending.IsUsed = false;
        local.Pending.AddFirst(Nodes, node);
    }

    private sealed class Local(in LruNodes nodes, int firstHead, int next)
    {
        public const int HeadCount = 2;

        public readonly Lock Lock = new();
        public LruList Free = new(nodes, firstHead, LruPlace.LocalFree);
        public LruList Pending = new(nodes, firstHead + 1, LruPlace.LocalPending);
        public int Next = next;   // who is asked first when nothing is free; racy, and only a hint
    }
}
