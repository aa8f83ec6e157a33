// RunSlots of the BPF machine (src/Allot.Bpf/Programs/RunSlots.cs), step by step, for one slot that has its execution: the
// same methods with the same names, a yield before each access to a shared word. Whoever changes the protocol there
// changes it here, and sees all interleavings checked.
//
// The plain stores of a thread wait in a buffer of its own, as in the processor, until it takes a locked step, a drain
// takes its turn, or a barrier of the whole process empties the buffers of all. The thread itself sees them.

namespace Allot.Model.Tests.Interleavings;

internal class SlotProtocol
{
    private const int Nobody = -1, Revoking = -2, Draining = -3, Shared = -4, Closed = -5;

    private readonly Run _run;
    private readonly Word _owner, _isInside, _isTaken;
    private readonly Word _users, _isEnded, _isClosed;   // ghosts
    private readonly List<Buffer> _buffers = [];

    public SlotProtocol(Run run)
    {
        _run = run;
        _owner = run.NewWord(Nobody);
        _isInside = run.NewWord(0);
        _isTaken = run.NewWord(0);
        _users = run.NewWord(0);
        _isEnded = run.NewWord(0);
        _isClosed = run.NewWord(0);
        run.Finally(() => _isEnded.Value == _isClosed.Value, "what was kept is ended when all are gone, and only then");
    }

    /// <summary>A thread that runs the program so often, and what drains its buffer.</summary>
    public void StartThread(int thread, int runs)
    {
        var buffer = new Buffer(_run, _isInside, _isTaken);
        _buffers.Add(buffer);
        _run.Start($"t{thread}", Execute(thread, runs, buffer));
        _run.Start($"d{thread}", buffer.Drain());
    }

    public void StartClose() => _run.Start("close", Close());

    private IEnumerable<Gate?> Execute(int thread, int runs, Buffer stores)
    {
        for (int run = 0; run < runs; run++)
        {
            var taken = new Result();   // 1 as the owner, 2 as another
            foreach (Gate? gate in Take(thread, stores, taken)) yield return gate;
            if (taken.Value == 0) continue;   // with an execution of its own
            _run.Require(_isEnded.Value == 0, "what has ended is not used");
            _run.Require(++_users.Value == 1, "one at a time uses it");
            yield return null;
            _users.Value--;
            foreach (Gate? gate in Leave(stores, taken.Value == 1 ? Buffer.Outside : Buffer.NotTaken)) yield return gate;
        }

        yield return null;
        stores.Flush();
        stores.IsOver.Value = 1;
    }

    private IEnumerable<Gate?> Take(int thread, Buffer stores, Result taken)
    {
        yield return null;
        if (_owner.Read() == thread)
        {
            // Nobody else stores there while it is the owner, so this is no step of its own.
            _run.Require(stores.ReadInside() == 0, "a thread that is not inside finds itself outside");
            foreach (Gate? gate in Enter(thread, stores, taken)) yield return gate;
            if (taken.Value != 0) yield break;
        }

        foreach (Gate? gate in TryTake(thread, stores, taken)) yield return gate;
        if (taken.Value != 0) yield break;
        foreach (Gate? gate in TryTakeAway(thread, stores)) yield return gate;
        foreach (Gate? gate in TryTake(thread, stores, taken)) yield return gate;
    }

    private IEnumerable<Gate?> Enter(int thread, Buffer stores, Result taken)
    {
        yield return null;
        stores.Store(Buffer.Inside);
        yield return null;
        if (IsStillOwner(thread)) taken.Value = 1;
        else foreach (Gate? gate in Leave(stores, Buffer.Outside)) yield return gate;
    }

    private IEnumerable<Gate?> TryTake(int thread, Buffer stores, Result taken)
    {
        yield return null;
        long owner = _owner.Read();
        if (owner == Nobody)
        {
            yield return null;
            stores.Flush();
            owner = _owner.CompareExchange(thread, Nobody);
        }

        if (owner == Nobody || owner == thread)
        {
            foreach (Gate? gate in Enter(thread, stores, taken)) yield return gate;
            yield break;
        }

        if (owner == Draining)
        {
            yield return null;
            if (!IsDrained(stores)) yield break;
            yield return null;
            stores.Flush();
            owner = _owner.CompareExchange(Shared, Draining);
            if (owner == Draining) owner = Shared;
        }

        if (owner != Shared) yield break;
        yield return null;
        stores.Flush();
        if (_isTaken.CompareExchange(1, 0) == 0) taken.Value = 2;
    }

    private IEnumerable<Gate?> TryTakeAway(int thread, Buffer stores)
    {
        yield return null;
        long owner = _owner.Read();
        if (owner < 0 || owner == thread) yield break;
        yield return null;
        if (stores.ReadInside() != 0) yield break;
        yield return null;
        stores.Flush();
        if (_owner.CompareExchange(Revoking, owner) != owner) yield break;
        yield return null;
        BarrierBeforeDraining();
        yield return null;
        _owner.CompareExchange(Draining, Revoking);
    }

    private IEnumerable<Gate?> Leave(Buffer stores, int store)
    {
        yield return null;
        stores.Store(store);
        foreach (Gate? gate in EndIfClosed(stores)) yield return gate;
    }

    protected virtual IEnumerable<Gate?> EndIfClosed(Buffer stores)
    {
        yield return null;
        if (_owner.Read() != Closed) yield break;
        yield return null;
        stores.Flush();
        if (_isTaken.CompareExchange(1, 0) == 0) End();
    }

    private IEnumerable<Gate?> Close()
    {
        yield return null;
        _owner.Write(Closed);
        yield return null;
        BarrierBeforeEnding();
        yield return null;
        if (_isInside.Read() == 0)
        {
            yield return null;
            if (_isTaken.CompareExchange(1, 0) == 0) End();
        }

        _isClosed.Value = 1;
    }

    protected virtual bool IsStillOwner(int thread) => _owner.Read() == thread;

    protected virtual bool IsDrained(Buffer stores) => stores.ReadInside() == 0;

    protected virtual void BarrierBeforeDraining() => Barrier();

    protected virtual void BarrierBeforeEnding() => Barrier();

    private void Barrier() => _buffers.ForEach(static buffer => buffer.Flush());

    private void End()
    {
        _run.Require(_users.Value == 0, "what is in use is not ended");
        _run.Require(++_isEnded.Value == 1, "it is ended once");
    }

    /// <summary>Stores that nobody else sees yet, in one word: the oldest in the lowest digit.</summary>
    internal sealed class Buffer(Run run, Word isInside, Word isTaken)
    {
        public const int Outside = 1, Inside = 2, NotTaken = 3;

        private const int Digit = 4;

        private readonly Word _waiting = run.NewWord(0);

        public Word IsOver { get; } = run.NewWord(0);

        public void Store(int store)
        {
            long place = 1;
            while (_waiting.Value >= place) place *= Digit;
            _waiting.Value += place * store;
        }

        // The youngest store of its own, or what all see.
        public long ReadInside()
        {
            for (long place = 1L << 40; place >= 1; place /= Digit)
            {
                long store = _waiting.Value / place % Digit;
                if (store is Outside or Inside) return run.Observed(store - Outside);
            }

            return isInside.Read();
        }

        public void Flush()
        {
            while (_waiting.Value != 0) One();
        }

        public IEnumerable<Gate?> Drain()
        {
            while (true)
            {
                yield return () => _waiting.Value != 0 || IsOver.Value != 0;
                if (_waiting.Value == 0) yield break;
                One();
            }
        }

        private void One()
        {
            long store = _waiting.Value % Digit;
            _waiting.Value /= Digit;
            if (store == NotTaken) isTaken.Write(0);
            else isInside.Write(store - Outside);
        }
    }

    private sealed class Result
    {
        public int Value { get; set; }
    }
}
