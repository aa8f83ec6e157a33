// The slowest path of Charge: nothing more can be reclaimed, so the out-of-memory policy is asked, and the charge waits
// for the room that killed groups give.
//
// It stands in the line of the limit meanwhile (Counters/TreeWaiting.cs), so that what they let go of is not taken by
// whoever comes along.
//
// Bounded: a killed group is waited for as long as the grace, counted from its kill. If it has let go and there is
// still no room, the next round chooses another one; if it has not, the charge is refused. The rounds are bounded too:
// others may take the room again and again.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Allot;

internal static class ChargeAfterKill
{
    private const int RoundsMax = 16;

    // Room wakes a waiting charge at once; that a group has let go without giving enough room is noticed by looking.
    private static readonly TimeSpan s_lookPeriod = TimeSpan.FromMilliseconds(5);

    extension(MemoryGroup group)
    {
        /// <summary>Asks the policy who has to go, and tries again.</summary>
        /// <param name="kind">The kind that was refused.</param>
        /// <param name="bytes">The bytes that were refused.</param>
        /// <param name="refusal">The refusal; that of the last attempt when false is returned.</param>
        /// <param name="effort">What the charging code may do.</param>
        [MethodImpl(MethodImplOptions.NoInlining)]
        internal bool TryChargeAfterKill(
            MemoryKind kind, long bytes, ref ChargeRefusal refusal, ChargeEffort effort)
        {
            Debug.Assert(refusal.Reason != RefusalReason.None, "Only what was refused is tried again.");
            if (!effort.MayKill) return false;
            for (int round = 0; round < RoundsMax; round++)
            {
                // Nobody has to go for what can never fit, or for room that is there and promised to another.
                if (refusal.Reason != RefusalReason.LimitReached || bytes > refusal.MaxBytes) return false;
                var shortage = new Shortage(refusal.Limiter!, refusal.Counter, group, bytes);
                if (PolicyHandling.TryMakeRoom(shortage))
                {
                    if (group.TryChargeQuietly(kind, bytes, out refusal)) return true;
                    continue;
                }

                AfterRound next = OutOfMemoryRound.Take(shortage, out IReadOnlyList<MemoryGroup> dying);
                if (next == AfterRound.Refuse) return false;
                if (next == AfterRound.Wait)
                {
                    if (group.TryChargeWhileDying(kind, shortage, dying)) return true;
                }

                if (group.TryChargeQuietly(kind, bytes, out refusal)) return true;
                if (next == AfterRound.Wait && dying.Any(one => IsDying(shortage, one))) return false;
                if (group.TryChargeAfterReclaim(kind, bytes, ref refusal, effort)) return true;
            }

            return false;
        }

        private bool TryChargeWhileDying(MemoryKind kind, Shortage shortage, IReadOnlyList<MemoryGroup> dying)
        {
            Debug.Assert(dying.Count > 0, "Nobody waits for nobody.");
            TimeSpan grace = group.Controller.OutOfMemoryGrace;
            if (grace == TimeSpan.Zero) return false;
            using PressureScope stalled = PressureScope.Enter(group);
            TreeWaiting waiting = group.Controller.Reserves.Waiting;
            var waiter = new ChargeWaiter(group.CounterOf(kind), shortage.Bytes);
            group.Controller.Reserves.StandInLine(waiter, shortage.Counter);
            bool isEnded = false;
            try
            {
                while (!isEnded && dying.Any(one => IsDying(shortage, one) && one.Life!.Ending!.Age < grace))
                {
                    isEnded = TimedWait.For(waiter.Done, s_lookPeriod, group.Controller.Time);
                }
            }
            catch (ThreadInterruptedException)
            {
                if (!waiting.Leave(waiter) && waiter.WaitForOutcome() == WaitOutcome.Charged)
                {
                    group.Uncharge(kind, shortage.Bytes);
                }

                throw;
            }

            // Who has left the line was not served, and nobody will.
            return (isEnded || !waiting.Leave(waiter)) && waiter.WaitForOutcome() == WaitOutcome.Charged;
        }
    }

    // What living groups below a killed one hold, spared by the policy, is not what it has to let go of; nor is what it
    // pays for those below it (OutOfMemoryWalk).
    private static bool IsDying(Shortage shortage, MemoryGroup killed)
    {
        Int128 others = 0;   // a sum of longs can be too large
        foreach (MemoryGroup child in killed.Children)
        {
            others += child.MetadataBytes;
            if (child.State == MemoryGroupState.Online) others += shortage.BytesOf(child);
        }

        return shortage.BytesOf(killed) > others;
    }
}
