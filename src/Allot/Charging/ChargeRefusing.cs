// Refusals: counted once, where the limit is, and described for who has asked.

using System.Diagnostics;

namespace Allot;

internal static class ChargeRefusing
{
    extension(MemoryGroup group)
    {
        /// <summary>Counts the refusal where the limit is, and describes it.</summary>
        internal ChargeRefusal Refuse(MemoryCounter limiter, long bytes)
        {
            Debug.Assert(bytes > 0, "Nothing always fits.");
            var owner = (MemoryGroup)limiter.Owner!;
            Debug.Assert(group.IsAtOrBelow(owner), "Only what a group is charged on refuses it.");
            CounterKind counter = limiter.Kind;
            Debug.Assert(counter != CounterKind.Pins, "Refused pins are counted when they are final.");
            owner.Count(counter == CounterKind.Memory ? EventKind.MemoryMax : EventKind.KernelMax);
            return new ChargeRefusal(group, counter, bytes, owner);
        }

        /// <summary>Describes the refusal of a group that has ended. It is no event.</summary>
        internal ChargeRefusal RefuseEnded(MemoryKind kind, long bytes) =>
            new(group, kind == MemoryKind.Kernel ? CounterKind.Kernel : CounterKind.Memory, bytes);
    }

    /// <summary>Counts the refusal of a pin where the limit is, and tells who watches. Does nothing where no limit of a
    /// group has refused.</summary>
    internal static void CountPinsRefusal(this in ChargeRefusal refusal)
    {
        if (refusal.Limiter is not { } limiter) return;
        Debug.Assert(refusal.Counter == CounterKind.Pins, "It is a pin.");
        limiter.Count(EventKind.PinsMax);
        limiter.PinsIfAny!.NoteRefusal();
    }
}
