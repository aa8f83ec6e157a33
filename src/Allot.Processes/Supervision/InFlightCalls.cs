// Calls that were allowed and may not have taken effect yet.
//
// A seccomp listener hears when a call starts, never when it ends. The end has to be inferred, and everything that is
// not known to be over counts as still to come, so that a limit errs on the side of holding:
//
//   1. a thread that makes another intercepted call, or is gone, has ended the one before;
//   2. a thread that sleeps in another call, or sleeps outside any call, has ended it too;
//   3. a thread that is running may be inside the call or long past it: it counts as inside until it has had a
//      processor for ten milliseconds, and more for a large call, since it was first seen running. (Memory is allocated
//      at the start of these calls; that is tens of times what they need for it.) Where the kernel does not tell how
//      long, it counts as inside for one second.
//
// Rule 1 is free. Rules 2 and 3 cost a read per thread. They are asked when a limit is near, and by samples, which
// leave calls of the last ten milliseconds to rule 1.

using System.Diagnostics;
using System.Runtime.CompilerServices;
using Allot.Processes.Native;
using Allot.Processes.Observation;

namespace Allot.Processes.Supervision;

/// <summary>At most one allowed call per thread, with the bytes it may still add. Not thread-safe.</summary>
internal sealed class InFlightCalls
{
    private static readonly TimeSpan s_longestAllocation = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_usualAllocation = TimeSpan.FromMilliseconds(10);
    private const long BytesPerTick = 5;   // 50 MB a second, a tenth of the speed at which page tables are copied

    private readonly Dictionary<int, Call> _byThread = [];
    private readonly List<int> _over = [];
    private Call? _spare;   // the last that ended: a thread that makes one call after another takes it again

    /// <summary>The sum over all calls in flight.</summary>
    public long Bytes { get; private set; }

    public int Count => _byThread.Count;

    public bool Contains(int threadId) => _byThread.ContainsKey(threadId);

    [MethodImpl(AnsweringPath.Method)]
    public void Add(int threadId, int callNumber, long bytes)
    {
        Debug.Assert(bytes >= 0, "A call adds nothing or something.");
        Call call = _spare ?? new Call();
        _spare = null;
        call.Begin(callNumber, bytes);
        bool added = _byThread.TryAdd(threadId, call);
        Debug.Assert(added, "A thread makes one call at a time; End comes before the next Add.");
        Bytes += bytes;
    }

    /// <summary>The thread's call is over, or never happened.</summary>
    /// <returns>The bytes it counted for; 0 when it had none.</returns>
    [MethodImpl(AnsweringPath.Method)]
    public long End(int threadId)
    {
        if (!_byThread.Remove(threadId, out Call? call)) return 0;
        _spare = call;
        Bytes -= call.Bytes;
        Debug.Assert(Bytes >= 0, "The sum is over calls in the table.");
        return call.Bytes;
    }

    /// <summary>A copy of the threads that have calls in flight now.</summary>
    public int[] ThreadIds() => [.. _byThread.Keys];

    /// <summary>Ends the thread's call if it is known to be over. A call of the last milliseconds is left as it is: its
    /// thread is busy, will make the next one soon (rule 1), and the kernel may need milliseconds to tell the state of
    /// a thread that keeps changing it.</summary>
    /// <returns>The bytes it counted for; 0 when it had none, or may still run.</returns>
    public long EndIfFinished(int threadId) =>
        _byThread.TryGetValue(threadId, out Call? call)
        && call.Age >= s_usualAllocation
        && IsOver(threadId, call)
            ? End(threadId)
            : 0;

    /// <summary>Ends all calls that are known to be over.</summary>
    /// <returns>The bytes they counted for.</returns>
    public long EndFinished()
    {
        _over.Clear();
        foreach ((int threadId, Call call) in _byThread)
        {
            if (IsOver(threadId, call)) _over.Add(threadId);
        }

        long ended = 0;
        foreach (int threadId in _over) ended += End(threadId);
        return ended;
    }

    /// <summary>Ends all calls, whatever is known of them.</summary>
    public void Clear()
    {
        _byThread.Clear();
        Bytes = 0;
    }

    private static bool IsOver(int threadId, Call call)
    {
        if (!ThreadStatus.TryRead(threadId, out ThreadStatus state)) return true;
        return state.Activity switch
        {
            ThreadActivity.BlockedElsewhere => true,
            ThreadActivity.BlockedInCall when state.Call != call.Number => true,
            ThreadActivity.BlockedInCall => false,
            _ => HasRunLongEnough(threadId, call),
        };
    }

    private static bool HasRunLongEnough(int threadId, Call call)
    {
        if (!ThreadRunTime.TryRead(threadId, out TimeSpan runTime))
        {
            return call.Age > s_longestAllocation;
        }

        if (call.RunTimeFirstSeen is { } first) return runTime - first > AllocationTime(call.Bytes);
        call.RunTimeFirstSeen = runTime;
        return false;
    }

    private static TimeSpan AllocationTime(long bytes)
    {
        TimeSpan time = s_usualAllocation + TimeSpan.FromTicks(bytes / BytesPerTick);
        return time < s_longestAllocation ? time : s_longestAllocation;
    }

    // A class, which is taken again: the framework has code compiled ahead of time for a table of references.
    private sealed class Call
    {
        private long _since;   // of the coarse clock: milliseconds do not matter, and every call asks for it

        public int Number { get; private set; }

        public long Bytes { get; private set; }

        public TimeSpan? RunTimeFirstSeen { get; set; }

        public TimeSpan Age => TimeSpan.FromMilliseconds(Environment.TickCount64 - _since);

        public void Begin(int number, long bytes)
        {
            Number = number;
            Bytes = bytes;
            RunTimeFirstSeen = null;
            _since = Environment.TickCount64;
        }
    }
}
