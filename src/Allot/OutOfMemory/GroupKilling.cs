// Killing, and who may be chosen for it, as members of a group.

namespace Allot;

/// <summary>Killing a group: by hand, or by the out-of-memory policy.</summary>
/// <remarks>All members may be used from any thread.</remarks>
public static class GroupKilling
{
    extension(MemoryGroup group)
    {
        /// <summary>Fires when the group is killed. Owners of its memory should let go then, and may remove the group.
        /// </summary>
        /// <remarks>
        /// <para>Created when it is first asked for. It never fires for a group that is only removed.</para>
        /// <para>What is registered with it is called by <c>Kill</c> on the thread that kills, and by the out-of-memory
        /// policy on a thread of its own; without any lock of the tree. What it throws is contained and reported to
        /// <see cref="System.Diagnostics.Trace"/>; a charge it makes asks no out-of-memory policy.</para>
        /// </remarks>
        public CancellationToken Killed => group.EnsureLife().Token;

        /// <summary>Why the group was killed; null when it was not.</summary>
        public string? KillReason => group.Life?.Ending?.Reason;

        /// <summary>Whether the out-of-memory policy kills the group, and everything below it, as one: when it chooses
        /// a group at or below this one for a limit at or above it. Default: false. Linux calls it
        /// <c>memory.oom.group</c>.</summary>
        /// <remarks>Of several such groups between the chosen one and the limit, the highest is killed.</remarks>
        /// <exception cref="InvalidOperationException">The group is the root, which is never killed.</exception>
        public bool KillsAsOne
        {
            get => group.Life is { KillsAsOne: true };
            set
            {
                if (group.Parent is null) throw new InvalidOperationException("The root group '/' is never killed.");
                if (value != group.KillsAsOne) group.EnsureLife().KillsAsOne = value;
            }
        }

        /// <summary>Who is to be killed first, for the policy that goes by it: the highest.
        /// <see cref="OutOfMemoryPolicy.NeverKilled"/>: no policy kills the group, neither chosen nor with a group
        /// above. Default: that of the group above; 0 at the root.</summary>
        /// <remarks>Setting it sets it for the groups below as well, unless they have one of their own.</remarks>
        public int OutOfMemoryPriority
        {
            get
            {
                for (MemoryGroup? level = group; level is not null; level = level.Parent)
                {
                    if (level.Life?.Priority is { } priority) return priority;
                }

                return 0;
            }
            set => group.EnsureLife().Priority = value;
        }

        /// <summary>Kills the group and everything below it: their charges are refused from here on, their
        /// <c>Killed</c> fires. Killing what is killed or removed already does nothing.</summary>
        /// <param name="reason">Why: told to whoever charges one of the groups later.</param>
        /// <remarks>
        /// <para>When it returns, no charge that begins later succeeds, and what was registered with the tokens has
        /// been called: do not call it with a lock that those need. Groups stay in the tree, with what they hold, until
        /// they are removed; what is held can be uncharged, and <c>ForceCharge</c>, whose callers cannot fail, still
        /// charges.</para>
        /// </remarks>
        /// <exception cref="ArgumentException">The reason is empty.</exception>
        /// <exception cref="InvalidOperationException">The group is the root.</exception>
        public void Kill(string reason)
        {
            ArgumentException.ThrowIfNullOrWhiteSpace(reason);
            if (group.Parent is null) throw new InvalidOperationException("The root group '/' cannot be killed.");
            var ending = new GroupEnding(reason, "Kill", group.Path, group.Controller.Time);
            KillNotice.Tell(group.End(ending, spares: static _ => false));
        }
    }
}
