// What a tree keeps for the case that it runs out of memory.
//
// Lock order: the gate (held while the policy chooses), then the gate of the reserves and the lock of the tree; the
// list lock is a leaf.

using System.Diagnostics;

namespace Allot;

internal sealed class OutOfMemoryState
{
    internal const int DecisionsKept = 16;

    private readonly SteadyLock _listLock = new();

    // Both replaced under _listLock, read without. Decisions: the oldest first.
    private OutOfMemoryDecision[] _decisions = [];
    private Action<OutOfMemoryDecision>[] _observers = [];
    private int _faults;

    private OutOfMemoryState(IOutOfMemoryPolicy policy) => Policy = policy;

    public IOutOfMemoryPolicy Policy { get; }

    /// <summary>Held by the one thread that decides.</summary>
    public Lock Gate { get; } = new();

    public OutOfMemoryDecision[] Decisions => Volatile.Read(ref _decisions);

    public static OutOfMemoryState Of(MemoryController controller)
    {
        if (Volatile.Read(ref controller.OutOfMemory) is OutOfMemoryState state) return state;
        var policy = (IOutOfMemoryPolicy?)controller.OutOfMemoryPolicyOrNull ?? OutOfMemoryPolicy.Refuse;
        state = new OutOfMemoryState(policy);
        return (OutOfMemoryState)(Interlocked.CompareExchange(ref controller.OutOfMemory, state, null) ?? state);
    }

    public void Record(OutOfMemoryDecision decision)
    {
        using (_listLock.EnterScope())
        {
            Debug.Assert(!decision.IsPreview, "What was not done is not recorded.");
            Debug.Assert(_decisions.Length <= DecisionsKept, "Only the last decisions are kept.");
            Volatile.Write(ref _decisions, [.. _decisions.TakeLast(DecisionsKept - 1), decision]);
        }
    }

    /// <summary>Called without locks.</summary>
    public void Raise(OutOfMemoryDecision decision)
    {
        Debug.Assert(!Gate.IsHeldByCurrentThread, "Observers may take their time.");
        if (decision.Fault is not null && Interlocked.Increment(ref _faults) == 1)
        {
            OutOfMemoryScope.Report(
                $"the out-of-memory policy {Policy.GetType().Name} is at fault: {decision.Fault}. Further cases in "
                + "this tree are only recorded.");
        }

        foreach (Action<OutOfMemoryDecision> observer in Volatile.Read(ref _observers))
        {
            if (OutOfMemoryScope.Run(() => observer(decision)) is not { } thrown) continue;
            OutOfMemoryScope.Report($"an observer of out-of-memory decisions threw: {TraceReport.Describe(thrown)}.");
        }
    }

    public IDisposable Observe(Action<OutOfMemoryDecision> observer)
    {
        var observation = new Observation(this, observer);
        using (_listLock.EnterScope()) Volatile.Write(ref _observers, [.. _observers, observation.Tell]);
        return observation;
    }

    // An object of its own for each, so that one that is registered twice can be removed once.
    private sealed class Observation : IDisposable
    {
        private readonly OutOfMemoryState _state;

        public Observation(OutOfMemoryState state, Action<OutOfMemoryDecision> observer)
        {
            _state = state;
            Tell = decision => observer(decision);
        }

        public Action<OutOfMemoryDecision> Tell { get; }

        public void Dispose()
        {
            using (_state._listLock.EnterScope())
            {
                Volatile.Write(ref _state._observers, Array.FindAll(_state._observers, other => other != Tell));
            }
        }
    }
}
