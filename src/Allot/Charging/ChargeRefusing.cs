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
            owner.Count(counter switch
            {
                CounterKind.Memory => EventKind.MemoryMax,
                CounterKind.Kernel => EventKind.KernelMax,
                _ => EventKind.PinsMax,
            });
            if (counter == CounterKind.Pins) owner.PinsIfAny!.NoteRefusal();
            return new ChargeRefusal(group, counter, bytes, owner);
        }

        /// <summary>Describes the refusal of a group that has ended. It is no event.</summary>
        internal ChargeRefusal RefuseEnded(MemoryKind kind, long bytes) =>
            new(group, kind == MemoryKind.Kernel ? CounterKind.Kernel : CounterKind.Memory, bytes);
    }
}
