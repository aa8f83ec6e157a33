namespace Allot;

/// <summary>Decides who is killed when a limit is met and nothing more can be reclaimed.</summary>
/// <remarks>
/// <para>Called on the thread that charges, one call at a time per tree (but for previews), never by a charge that a
/// reclaimer, a policy or a kill callback makes. Others that have run out of memory wait for it, for a second at most:
/// it should only compare numbers.</para>
/// <para>What it throws is contained: the charge is refused, and the fault is recorded with the decision.</para>
/// </remarks>
public interface IOutOfMemoryPolicy
{
    /// <summary>Chooses a group to kill, or refuses the charge.</summary>
    /// <param name="context">Who has run out of what, and who could be killed. Valid during the call.</param>
    /// <returns>The choice. A group that is not at or below the limit, the root, or one that is exempt counts as a
    /// fault.</returns>
    OutOfMemoryChoice Choose(OutOfMemoryContext context);
}
