// The threads that receive intercepted calls and have them answered.
//
// A call that waits unreceived is taken out by any signal: a handler without SA_RESTART makes it fail with EINTR, which
// fork(2) and mlock(2) never do. Once received, only a fatal signal does that. So receiving must not wait:
//   - of two threads, one receives (it holds _receiving) and answers what is quick; before slow work it lets go of
//     _receiving, and the other receives meanwhile;
//   - one answers at a time (_deciding), whatever both received, in the order in which it came. Who receives a call
//     while the other one decides leaves it in the queue (_received); who has decided empties the queue before it
//     receives again;
//   - both run before normal threads where that is allowed (root, CAP_SYS_NICE), and step back for slow work, so that
//     a busy group takes no processor from its neighbours.
// A few microseconds remain in which a signal can come first.
//
// No lock is waited for with another one held, except _receiving: whoever waits for it holds nothing.

using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Allot.Processes.Native;
using Allot.Processes.Seccomp;

namespace Allot.Processes.Supervision;

/// <summary>Waits for the next call; false when there will be no more.</summary>
internal delegate bool ReceiveCall(out SeccompNotification call);

/// <summary>Answers a call that was received at this timestamp.</summary>
internal delegate void AnswerCall(in SeccompNotification call, long receivedAt);

/// <summary>Two threads that take turns.</summary>
internal sealed class AnsweringThreads
{
    private const int Count = 2;

    [ThreadStatic] private static bool t_isAhead;   // whether this thread runs before normal ones

    private readonly ReceiveCall _receive;
    private readonly AnswerCall _answer;
    private readonly Lock _receiving = new();
    private readonly Lock _deciding = new();
    private readonly ConcurrentQueue<Received> _received = new();
    private readonly Thread[] _threads = new Thread[Count];

    /// <param name="receive">Called by one thread at a time. After the first false nothing more is received.</param>
    /// <param name="answer">Called by one thread at a time, once for every call received, in their order. It calls
    /// <see cref="BeforeSlowWork"/> before anything that takes longer than an answer may.</param>
    public AnsweringThreads(ReceiveCall receive, AnswerCall answer)
    {
        _receive = receive;
        _answer = answer;
    }

    /// <summary>Begins to receive. Call once.</summary>
    public void Start()
    {
        for (int i = 0; i < Count; i++)
        {
            _threads[i] = new Thread(Run) { Name = "allot answers", IsBackground = true };
            _threads[i].Start();
        }
    }

    /// <summary>Waits until both have ended, which they do when no more is received.</summary>
    public void Join()
    {
        foreach (Thread? thread in _threads) thread?.Join();
    }

    /// <summary>Hands the receiving to the other thread, and the processor to whoever wants it. On a thread that is not
    /// answering it does nothing.</summary>
    public void BeforeSlowWork()
    {
        if (_receiving.IsHeldByCurrentThread) _receiving.Exit();
        if (!t_isAhead) return;
        t_isAhead = false;
        _ = NiceLevel.TrySet(NiceLevel.Normal);
    }

    [MethodImpl(AnsweringPath.Method)]
    private void Run()
    {
        GetAhead();
        while (true)
        {
            if (!_receiving.IsHeldByCurrentThread) _receiving.Enter();
            if (!_receive(out SeccompNotification call)) break;
            long receivedAt = Stopwatch.GetTimestamp();
            if (_received.IsEmpty && _deciding.TryEnter())
            {
                AnswerAsDecider(call, receivedAt);
            }
            else
            {
                _received.Enqueue(new Received(call, receivedAt));
            }

            AnswerReceived();
        }

        _receiving.Exit();
    }

    // Whoever finds the other one deciding leaves the call to it. The other looks again after it has let go of
    // _deciding, so a call that came too late for its last look is not forgotten.
    [MethodImpl(AnsweringPath.Method)]
    private void AnswerReceived()
    {
        while (!_received.IsEmpty && _deciding.TryEnter())
        {
            if (_received.TryDequeue(out Received? next))
            {
                AnswerAsDecider(next.Call, next.ReceivedAt);
            }
            else
            {
                _deciding.Exit();
            }
        }
    }

    [MethodImpl(AnsweringPath.Method)]
    private void AnswerAsDecider(in SeccompNotification call, long receivedAt)
    {
        Debug.Assert(_deciding.IsHeldByCurrentThread, "One thread decides at a time.");
        try
        {
            _answer(call, receivedAt);
        }
        finally
        {
            _deciding.Exit();
            GetAhead();
        }
    }

    private static void GetAhead()
    {
        if (t_isAhead) return;
        t_isAhead = true;
        _ = NiceLevel.TrySet(NiceLevel.Least);
    }

    // A class, though that allocates: the framework has code compiled ahead of time for a queue of references. Every
    // call looks whether the queue is empty; few go through it.
    private sealed record Received(SeccompNotification Call, long ReceivedAt);
}
