using System.Collections.Concurrent;
using Allot.Processes.Seccomp;
using Allot.Processes.Supervision;

namespace Allot.Processes.Tests.Supervision;

// Who receives and who decides, with calls that the test makes up and decisions that it holds up.
public sealed class AnsweringThreadsTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly BlockingCollection<SeccompNotification> _calls = [];
    private readonly BlockingCollection<ulong> _received = [];
    private readonly BlockingCollection<ulong> _begun = [];
    private readonly BlockingCollection<ulong> _answered = [];
    private readonly ConcurrentDictionary<ulong, ManualResetEventSlim> _slow = [];
    private readonly AnsweringThreads _threads;
    private int _receiving;
    private int _deciding;
    private int _overlaps;

    public AnsweringThreadsTests() => _threads = new AnsweringThreads(Receive, Answer);

    [Fact]
    public void Calls_are_answered_once_and_in_their_order()
    {
        _threads.Start();
        for (ulong id = 1; id <= 1000; id++) Call(id);
        for (ulong id = 1; id <= 1000; id++) Assert.Equal(id, Take(_answered));
        End();
        Assert.Empty(_answered);
    }

    [Fact]
    public void While_one_thread_is_at_slow_work_the_other_receives()
    {
        ManualResetEventSlim first = HoldUp(1);
        _threads.Start();
        Call(1);
        Assert.Equal(1ul, Take(_begun));
        Call(2);
        Call(3);
        Assert.Equal([1ul, 2, 3], Take(_received, 3));
        Assert.Empty(_begun);      // one decides at a time
        Assert.Empty(_answered);

        first.Set();
        Assert.Equal([1ul, 2, 3], Take(_answered, 3));
        End();
    }

    [Fact]
    public void Slow_work_of_a_call_from_the_queue_does_not_stop_the_receiving_either()
    {
        ManualResetEventSlim first = HoldUp(1), second = HoldUp(2);
        _threads.Start();
        Call(1);
        Call(2);
        Assert.Equal([1ul, 2], Take(_received, 2));
        first.Set();
        Assert.Equal([1ul, 2], Take(_begun, 2));
        Call(3);
        Assert.Equal(3ul, Take(_received));
        second.Set();
        Assert.Equal([1ul, 2, 3], Take(_answered, 3));
        End();
    }

    [Fact]
    public void Every_call_that_was_received_is_answered_before_the_end()
    {
        ManualResetEventSlim first = HoldUp(1);
        _threads.Start();
        for (ulong id = 1; id <= 5; id++) Call(id);
        for (ulong id = 1; id <= 5; id++) Assert.Equal(id, Take(_received));
        _calls.CompleteAdding();
        first.Set();
        _threads.Join();
        Assert.Equal([1ul, 2, 3, 4, 5], _answered);
    }

    [Fact]
    public void Nothing_is_received_or_decided_twice_at_the_same_time()
    {
        ManualResetEventSlim[] held = [.. Enumerable.Range(1, 50).Select(id => HoldUp((ulong)(4 * id)))];
        _threads.Start();
        for (ulong id = 1; id <= 300; id++) Call(id);
        foreach (ManualResetEventSlim one in held) one.Set();
        for (ulong id = 1; id <= 300; id++) Assert.Equal(id, Take(_answered));
        End();
        Assert.Equal(0, _overlaps);
    }

    public void Dispose()
    {
        _calls.CompleteAdding();
        foreach (ManualResetEventSlim held in _slow.Values) held.Set();
        _threads.Join();
        foreach (ManualResetEventSlim held in _slow.Values) held.Dispose();
        _calls.Dispose();
        _received.Dispose();
        _begun.Dispose();
        _answered.Dispose();
    }

    private static ulong Take(BlockingCollection<ulong> ids)
    {
        Assert.True(ids.TryTake(out ulong id, s_patience), "Nothing came.");
        return id;
    }

    private static ulong[] Take(BlockingCollection<ulong> ids, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => Take(ids))];

    private void Call(ulong id) => _calls.Add(new SeccompNotification { Id = id });

    // The answer to this call is slow: it takes until the event is set.
    private ManualResetEventSlim HoldUp(ulong id) => _slow.GetOrAdd(id, static _ => new ManualResetEventSlim());

    private void End()
    {
        _calls.CompleteAdding();
        _threads.Join();
    }

    private bool Receive(out SeccompNotification call)
    {
        if (Interlocked.Increment(ref _receiving) != 1) Interlocked.Increment(ref _overlaps);
        bool any = _calls.TryTake(out call, Timeout.InfiniteTimeSpan);
        Interlocked.Decrement(ref _receiving);
        if (any) _received.Add(call.Id);
        return any;
    }

    private void Answer(in SeccompNotification call, long receivedAt)
    {
        if (Interlocked.Increment(ref _deciding) != 1) Interlocked.Increment(ref _overlaps);
        _begun.Add(call.Id);
        if (_slow.TryGetValue(call.Id, out ManualResetEventSlim? held))
        {
            _threads.BeforeSlowWork();
            Assert.True(held.Wait(s_patience), "Nobody let it go on.");
        }

        Interlocked.Decrement(ref _deciding);
        _answered.Add(call.Id);
    }
}
