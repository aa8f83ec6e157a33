// Charged bytes that change their group within a tree: at one instant for whoever charges (TreeReserves.TryMove).

using System.Diagnostics;

namespace Allot;

internal static class ChargeMoving
{
    extension(MemoryGroup group)
    {
        /// <summary>Moves charged bytes to a group of the same tree.</summary>
        internal bool TryMoveTo(MemoryGroup target, MemoryKind kind, long bytes, out ChargeRefusal refusal)
        {
            Debug.Assert(group != target, "What stays is not moved.");
            Debug.Assert(group.Controller == target.Controller, "To another tree, bytes are charged anew.");
            Debug.Assert(group.Counts(kind) && target.Counts(kind), "What is not counted cannot be moved.");
            refusal = default;
            MemoryCounter? limiter = null;
            bool isOnline = target.State == MemoryGroupState.Online;
            if (isOnline && bytes == 0) return true;
            TreeReserves tree = group.Controller.Reserves;
            MemoryCounter source = group.CounterOf(kind);
            if (isOnline && tree.TryMove(source, target.CounterOf(kind), bytes, out limiter))
            {
                PolicyQuestions.Uncharged(group, kind, bytes);
                ReclaimScope.NoteUncharged(group, kind, bytes);
                ReclaimScope.NoteCharged(target, kind, bytes);
                return true;
            }

            refusal = limiter is null ? target.RefuseEnded(kind, bytes) : target.Refuse(limiter, bytes);
            return false;
        }
    }
}
