// One reclaim for one target, under its gate: up to two passes of rounds, each over the whole subtree.
//
//   pass 1    leaves groups alone that are below their low protection
//   pass 2    only if all of pass 1 freed nothing and some group was left alone for that: takes from them too, and
//             counts it (Low). Min holds in both
//   round     at one priority, from 12 down to 0: every reclaimer is asked for its share, which doubles from round to
//             round; protection is worked out anew
//   turn      a round ends between two groups once what is wanted is reached; the next one goes on from there
//   slack     within a group the share is asked for to its end, up to a slack above what is wanted: so many small
//             reclaims take from each in proportion to what it holds. What is cut off is deferred
//
// Never below protection: a group is asked for at most what it uses above the protection that holds. Only a reclaimer
// that gives more than it was asked for, or whose group shrinks meanwhile, can take it lower.

using System.Diagnostics;

namespace Allot;

internal sealed class ReclaimWalk(MemoryGroup target, ReclaimState state, ReclaimContext context)
{
    private HashSet<MemoryGroup>? _belowLow;
    private bool _skippedForLow;

    /// <summary>How much is wanted, 1 or more.</summary>
    public required long WantedBytes { get; init; }

    /// <summary>How much more than wanted the last reclaimer may give before it is cut short, 0 or more.</summary>
    public long SlackBytes { get; init; }

    /// <summary>The verified bytes.</summary>
    public long FreedBytes { get; private set; }

    /// <summary>Whether any reclaimer that may be called holds something: if not, walking again is in vain.</summary>
    public bool FoundAny { get; private set; }

    private bool IsDone => FreedBytes >= WantedBytes;

    public void Run()
    {
        Debug.Assert(state.Gate.IsHeldByCurrentThread, "One thread reclaims for a target.");
        Debug.Assert(WantedBytes > 0, "Nothing is never wanted.");
        try
        {
            RunPass(protectsLow: true);
            if (FreedBytes == 0 && _skippedForLow) RunPass(protectsLow: false);
        }
        finally
        {
            state.Walked.Clear();   // a removed group is not kept alive by the last walk that met it
        }
    }

    private void RunPass(bool protectsLow)
    {
        for (int priority = ScanShare.FirstPriority; priority >= 0 && !IsDone; priority--)
        {
            ProtectionWalk.Fill(state.Walked, target);
            RunRound(priority, protectsLow);
        }
    }

    private void RunRound(int priority, bool protectsLow)
    {
        int count = state.Walked.Count;
        int first = state.Turn < count ? state.Turn : 0;
        for (int i = 0; i < count; i++)
        {
            int turn = (first + i) % count;
            Visit(state.Walked[turn], priority, protectsLow);
            if (!IsDone) continue;
            state.Turn = turn + 1;
            return;
        }
    }

    private void Visit(WalkedGroup walked, int priority, bool protectsLow)
    {
        long used = walked.Group.Memory.CurrentBytes;
        bool isBelowMin = used <= walked.EffectiveMinBytes
            || PolicyQuestions.Protects(PolicyPoint.BelowMin, walked.Group, target, walked.EffectiveMinBytes);
        if (isBelowMin) return;
        bool isBelowLow = used <= walked.EffectiveLowBytes
            || PolicyQuestions.Protects(PolicyPoint.BelowLow, walked.Group, target, walked.EffectiveLowBytes);
        if (isBelowLow && protectsLow)
        {
            _skippedForLow = true;
            return;
        }

        if (isBelowLow && (_belowLow ??= []).Add(walked.Group)) walked.Group.Count(EventKind.Low);
        long kept = protectsLow
            ? Math.Max(walked.EffectiveMinBytes, walked.EffectiveLowBytes)
            : walked.EffectiveMinBytes;
        foreach (ReclaimerRegistration registration in walked.State.Registrations)
        {
            if (context.Permits(registration)) Shrink(registration, kept, priority);
        }
    }

    private void Shrink(ReclaimerRegistration registration, long keptBytes, int priority)
    {
        long held = registration.Count(context);
        if (held == 0) return;
        FoundAny = true;

        long batch = registration.Batch(held);
        long open = ScanShare.Unprotected(held, registration.Group.Memory.CurrentBytes, keptBytes, batch);
        long delta = ScanShare.Delta(open, priority, registration.Cost);
        long deferred = registration.TakeDeferred();
        long total = ScanShare.Total(deferred, delta, held, priority);
        long asked = 0;
        while (ScanShare.IsWorthAsking(total - asked, batch, held))
        {
            long above = registration.Group.Memory.CurrentBytes - keptBytes;
            long atMost = Math.Min(above, WantedBytes - FreedBytes + SlackBytes);
            long ask = Math.Min(Math.Min(batch, total - asked), atMost);
            if (ask <= 0) break;

            long freed = registration.Ask(ask, context, target);
            FreedBytes += freed;
            asked += Math.Max(ask, freed);
            if (freed == 0) break;   // it cannot give anything now
        }

        registration.GiveDeferred(ScanShare.Deferred(deferred, delta, asked, held));
    }
}
