// RecordRing, step by step: a yield before each access to shared memory. A slot stands for 8 bytes. What lies in it: 0;
// a header, of which the tens say how long the record is, and the ones whether it is busy (1), committed (2) or
// discarded (3); or, as a byte of a record, -1, which must never be taken for a header.

namespace Allot.Model.Tests.Interleavings;

internal class RingProtocol(Run run, int slots)
{
    private const int BusyBit = 1, CommittedBit = 2, DiscardedBit = 3;

    private readonly Word[] _slots = [.. Enumerable.Range(0, slots).Select(_ => run.NewWord(0))];
    private readonly Word _producer = run.NewWord(0);
    private readonly Word _refused = run.NewWord(0);

    // Ghosts: records that were committed, consumed.
    private readonly Word _committed = run.NewWord(0);
    private readonly Word _consumed = run.NewWord(0);

    protected Word Consumer { get; } = run.NewWord(0);

    protected Word Signal { get; } = run.NewWord(0);

    protected Run Run => run;

    /// <summary>Writes one record of so many slots, its header included; gives up when there is no room.</summary>
    public IEnumerable<Gate?> Produce(int length, bool discards)
    {
        long at = -1;
        yield return null;
        long seen = _producer.Read();
        while (at < 0)
        {
            yield return null;
            long consumed = Consumer.Read();
            if (seen < consumed)
            {
                yield return null;
                seen = _producer.Read();
                continue;
            }

            if (seen + length - consumed > slots - 1)
            {
                _refused.Value++;
                yield break;
            }

            yield return null;
            long before = _producer.CompareExchange(seen + length, seen);
            if (before == seen) at = seen;
            seen = before;
        }

        yield return null;
        run.Require(Slot(at).Read() == 0, "what nobody has is zero");
        Slot(at).Write((length * 10) + BusyBit);
        for (int slot = 1; slot < length; slot++)
        {
            yield return null;
            Slot(at + slot).Write(-1);
        }

        foreach (Gate? gate in Commit(at, (length * 10) + (discards ? DiscardedBit : CommittedBit))) yield return gate;
        if (!discards) _committed.Value++;
    }

    /// <summary>Consumes so many records, and waits for each that is not there.</summary>
    public IEnumerable<Gate?> Consume(int records)
    {
        while (records > 0)
        {
            var found = new Result();
            foreach (Gate? gate in Peek(found)) yield return gate;
            if (found.Value == 0)
            {
                foreach (Gate? gate in Wait()) yield return gate;
                continue;
            }

            records--;
            _consumed.Value++;
            foreach (Gate? gate in Advance(found.Value)) yield return gate;
        }
    }

    /// <summary>Waits until a record of so many slots has room.</summary>
    public Gate HasRoomFor(int length) => () => _producer.Value + length - Consumer.Value <= slots - 1;

    public void RequireAllIsConsumed()
    {
        run.AfterEveryStep(() => run.Require(
            Consumer.Value <= _producer.Value, "nothing is consumed that was not reserved"));
        run.Finally(() => _committed.Value == _consumed.Value, "all that was committed is consumed");
    }

    protected virtual IEnumerable<Gate?> Commit(long at, long header)
    {
        yield return null;
        Slot(at).Write(header);
        yield return null;
        if (Consumer.Read() % slots == at % slots) Signal.Value = 1;
    }

    protected virtual IEnumerable<Gate?> Wait()
    {
        yield return null;
        Signal.Write(0);
        var found = new Result();
        foreach (Gate? gate in Peek(found)) yield return gate;
        if (found.Value == 0) yield return () => Signal.Value != 0;
    }

    protected virtual IEnumerable<Gate?> Advance(long length)
    {
        foreach (Gate? gate in Clear(length)) yield return gate;
        yield return null;
        Consumer.Write(Consumer.Value + length);
    }

    protected virtual IEnumerable<Gate?> Clear(long length)
    {
        long at = Consumer.Value;
        for (int slot = 0; slot < length; slot++)
        {
            yield return null;
            Slot(at + slot).Write(0);
        }
    }

    protected Word Slot(long at) => _slots[(int)(at % slots)];

    // The length of the oldest record in slots; 0 when there is none, or it is not committed yet.
    private IEnumerable<Gate?> Peek(Result found)
    {
        while (true)
        {
            yield return null;
            long header = Slot(Consumer.Value).Read();
            run.Require(header >= 0, "a header is never read where there is none");
            if (header % 10 == CommittedBit)
            {
                found.Value = header / 10;
                for (long slot = 1; slot < header / 10; slot++)
                {
                    run.Require(Slot(Consumer.Value + slot).Value == -1, "who sees the header sees the bytes");
                }
            }

            if (header % 10 != DiscardedBit) yield break;
            foreach (Gate? gate in Advance(header / 10)) yield return gate;
        }
    }

    private sealed class Result
    {
        public long Value;
    }
}
