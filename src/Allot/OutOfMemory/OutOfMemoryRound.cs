// One look at a limit that was met with nothing left to reclaim: who has to go, if anybody.
//
// Under the gate of the tree, in this order:
//   1. is there room by now, or is the one who asks dead? Then nobody has to go: it tries again.
//   2. is somebody dying already, that is killed and still holding bytes, for less than the grace? Then it waits.
//   3. the event Oom at the limiter; the policy chooses; the choice is checked.
//   4. from the chosen group up to the limiter, the highest one that is killed as one takes its place.
//   5. it is killed with everything below it but the exempt; OomKill at each, once; OomGroupKill at the top of 4.
// After the gate: owners are told, on a thread of their own; observers hear of the decision, on this one.
//
// A policy can be slow, so the gate is waited for only so long. Without the built-in policy that kills nobody there is
// nothing to decide: then no gate is taken and no record written, only the event is counted.

using System.Diagnostics;

namespace Allot;

internal static class OutOfMemoryRound
{
    private const int ScoresKept = 8;

    /// <summary>Decides about a shortage.</summary>
    /// <param name="shortage">The charge, and the limit that has refused it.</param>
    /// <param name="dying">With <see cref="AfterRound.Wait"/>: the groups that may give room.</param>
    public static AfterRound Take(Shortage shortage, out IReadOnlyList<MemoryGroup> dying)
    {
        dying = [];
        if (ReclaimScope.IsReclaiming || OutOfMemoryScope.IsInside) return AfterRound.Refuse;
        MemoryController controller = shortage.Limiter.Controller;
        Debug.Assert(shortage.Requester.IsAtOrBelow(shortage.Limiter), "A limit refuses only what is below it.");
        Debug.Assert(!controller.Reserves.Gate.IsHeldByCurrentThread, "Foreign code runs without locks of the tree.");
        Debug.Assert(!controller.TreeLock.IsHeldByCurrentThread, "Foreign code runs without locks of the tree.");
        var state = OutOfMemoryState.Of(controller);
        if (state.Policy is RefusePolicy)
        {
            shortage.Limiter.Count(EventKind.Oom);
            return AfterRound.Refuse;
        }

        if (!state.Gate.TryEnter(controller.ReclaimWaitMax)) return AfterRound.Refuse;
        OutOfMemoryDecision decision;
        IReadOnlyList<MemoryGroup> killed = [];
        try
        {
            if (shortage.Requester.State != MemoryGroupState.Online) return AfterRound.Retry;
            if (HasRoom(shortage)) return AfterRound.Retry;
            var walk = new OutOfMemoryWalk(shortage, controller.OutOfMemoryGrace);
            if (walk.Dying.Count > 0)
            {
                dying = walk.Dying;
                return AfterRound.Wait;
            }

            shortage.Limiter.Count(EventKind.Oom);
            Verdict verdict = Ask(state, Describe(shortage, walk, isPreview: false));
            if (verdict.Victim is not null)
            {
                killed = Kill(verdict, shortage);
                if (killed.Count == 0) return AfterRound.Retry;   // somebody was faster
            }

            decision = (verdict with { KilledCount = killed.Count }).ToDecision(controller.Time.GetUtcNow());
            state.Record(decision);
        }
        finally
        {
            state.Gate.Exit();
        }

        Debug.Assert(!state.Gate.IsHeldByCurrentThread, "Owners and observers are told outside of the gate.");
        if (killed.Count > 0) KillNotice.TellElsewhere(killed);
        state.Raise(decision);
        dying = killed;
        return killed.Count > 0 ? AfterRound.Wait : AfterRound.Refuse;
    }

    public static OutOfMemoryDecision Preview(Shortage shortage)
    {
        MemoryController controller = shortage.Limiter.Controller;
        var walk = new OutOfMemoryWalk(shortage, controller.OutOfMemoryGrace);
        OutOfMemoryContext context = Describe(shortage, walk, isPreview: true);
        Verdict verdict = walk.Dying.Count == 0
            ? Ask(OutOfMemoryState.Of(controller), context)
            : WaitFor(context, walk.Dying[0], shortage);
        return verdict.ToDecision(controller.Time.GetUtcNow());
    }

    private static Verdict WaitFor(OutOfMemoryContext context, MemoryGroup dying, Shortage shortage)
    {
        long bytes = shortage.BytesOf(dying);
        string reason = $"'{dying.Path}' was killed and still holds {bytes} bytes";
        return new Verdict(context, OutOfMemoryOutcome.WaitsForKilled, reason);
    }

    public static bool HasRoom(Shortage shortage)
    {
        long used = shortage.Counter.ReadUsed(out long max);
        return shortage.Bytes <= max - used;
    }

    private static OutOfMemoryContext Describe(Shortage shortage, OutOfMemoryWalk walk, bool isPreview)
    {
        long used = shortage.Counter.ReadUsed(out long max);
        return new OutOfMemoryContext
        {
            Limiter = shortage.Limiter,
            Counter = shortage.Kind,
            Requester = shortage.Requester,
            RequestedBytes = shortage.Bytes,
            CurrentBytes = used,
            MaxBytes = max,
            Candidates = walk.Candidates,
            IsPreview = isPreview,
        };
    }

    private static Verdict Ask(OutOfMemoryState state, OutOfMemoryContext context)
    {
        OutOfMemoryChoice choice = default;
        Exception? thrown = OutOfMemoryScope.Run(() => choice = state.Policy.Choose(context));
        if (thrown is not null) return Verdict.OfFault(context, Describe(thrown));
        if (choice.Victim is not { } victim)
        {
            return new Verdict(context, OutOfMemoryOutcome.Refused, choice.Reason ?? "the policy chose nobody");
        }

        if (FindFault(context, victim) is { } fault) return Verdict.OfFault(context, fault);
        return new Verdict(context, OutOfMemoryOutcome.Killed, choice.Reason!)
        {
            Victim = victim,
            Top = HighestKilledAsOne(victim, context.Limiter) ?? victim,
        };
    }

    private static string Describe(Exception thrown)
    {
        string name = thrown.GetType().Name;
        try
        {
            return $"it threw {name}: {thrown.Message}";
        }
        catch (Exception)
        {
            return $"it threw {name}, which has no message";   // it is foreign code too
        }
    }

    private static string? FindFault(OutOfMemoryContext context, MemoryGroup victim)
    {
        if (!victim.IsAtOrBelow(context.Limiter))
        {
            return $"it chose '{victim.Path}', which is not at or below '{context.Limiter.Path}'";
        }

        if (victim.Parent is null) return "it chose the root, which is never killed";
        return victim.OutOfMemoryPriority == OutOfMemoryPolicy.NeverKilled
            ? $"it chose '{victim.Path}', which is exempt"
            : null;
    }

    private static MemoryGroup? HighestKilledAsOne(MemoryGroup victim, MemoryGroup limiter)
    {
        MemoryGroup? highest = null;
        for (MemoryGroup? level = victim; level is not null; level = level.Parent)
        {
            if (level.KillsAsOne) highest = level;
            if (level == limiter) break;
        }

        return highest;
    }

    private static IReadOnlyList<MemoryGroup> Kill(Verdict verdict, Shortage shortage)
    {
        Debug.Assert(verdict.Victim is not null, "Nobody is killed without being chosen.");
        MemoryGroup top = verdict.Top!;
        Debug.Assert(top.Parent is not null, "The root is never killed.");
        Debug.Assert(top.IsAtOrBelow(shortage.Limiter), "Nobody above a limit is killed for it.");
        Debug.Assert(verdict.Victim!.IsAtOrBelow(top), "Who was chosen goes with who takes its place.");
        string by = $"the out-of-memory policy of '{shortage.Limiter.Path}'";
        var ending = new GroupEnding($"out of memory, and {verdict.Reason}", by, top.Path, top.Controller.Time);
        IReadOnlyList<MemoryGroup> killed = top.End(
            ending, spares: static group => group.OutOfMemoryPriority == OutOfMemoryPolicy.NeverKilled);
        if (killed.Count == 0) return killed;

        foreach (MemoryGroup group in killed)
        {
            Debug.Assert(group.Life!.Ending == ending, "Each is killed, and counted, once.");
            group.Count(EventKind.OomKill);
        }

        if (top.KillsAsOne) top.Count(EventKind.OomGroupKill);
        return killed;
    }

    private sealed record Verdict(OutOfMemoryContext Context, OutOfMemoryOutcome Outcome, string Reason)
    {
        public MemoryGroup? Victim { get; init; }

        public MemoryGroup? Top { get; init; }

        public int KilledCount { get; init; }

        public string? Fault { get; init; }

        public static Verdict OfFault(OutOfMemoryContext context, string fault) =>
            new(context, OutOfMemoryOutcome.Refused, "the policy is at fault") { Fault = fault };

        public OutOfMemoryDecision ToDecision(DateTimeOffset time) => new()
        {
            Time = time,
            IsPreview = Context.IsPreview,
            LimiterPath = Context.Limiter.Path,
            Counter = Context.Counter,
            RequesterPath = Context.Requester.Path,
            RequestedBytes = Context.RequestedBytes,
            CurrentBytes = Context.CurrentBytes,
            MaxBytes = Context.MaxBytes,
            Outcome = Outcome,
            VictimPath = Victim?.Path,
            KilledPath = Top?.Path,
            KilledCount = KilledCount,
            Reason = Reason,
            Fault = Fault,
            CandidateCount = Context.Candidates.Count,
            Candidates =
            [
                .. Context.Candidates
                    .OrderByDescending(candidate => candidate.Group == Victim)
                    .ThenByDescending(candidate => candidate.Score)
                    .Take(ScoresKept)
                    .OrderByDescending(candidate => candidate.Score)
                    .Select(candidate => new OutOfMemoryScore(
                        candidate.Group.Path, candidate.Bytes, candidate.TotalBytes, candidate.Priority,
                        candidate.Score)),
            ],
        };
    }
}
