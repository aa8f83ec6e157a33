// Telling the owners of killed groups: their tokens fire, from the deepest group up, so that a callback that removes
// its own group finds it without children.
//
// Called without locks. Kill tells on its own thread: whoever calls it knows which locks it holds. A charge does not
// know that, and a callback may well need one of them: the policy tells on a thread of its own. Not on the pool, whose
// threads may all be in charges that wait for this very notice.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Allot;

internal static class KillNotice
{
    /// <param name="killed">Groups that were killed together, the deepest first.</param>
    public static void Tell(IReadOnlyList<MemoryGroup> killed)
    {
        // A callback may kill another group, whose callback may kill another.
        if (RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            TellHere(killed);
        }
        else
        {
            TellElsewhere(killed);
        }
    }

    public static void TellElsewhere(IReadOnlyList<MemoryGroup> killed)
    {
        try
        {
            new Thread(() => TellHere(killed)) { Name = "Allot kill", IsBackground = true }.UnsafeStart();
        }
        catch (Exception exception) when (exception is OutOfMemoryException or ThreadStartException)
        {
            TellHere(killed);   // better with a risk than never
        }
    }

    private static void TellHere(IReadOnlyList<MemoryGroup> killed)
    {
        foreach (MemoryGroup group in killed)
        {
            Debug.Assert(group.Life?.Ending is not null, "Only who was killed is told.");
            Debug.Assert(!group.Controller.TreeLock.IsHeldByCurrentThread, "Owners are told without locks.");
            if (OutOfMemoryScope.Run(group.Life!.Fire) is not { } thrown) continue;
            string what = TraceReport.Describe(thrown);
            OutOfMemoryScope.Report($"a callback of the token Killed of '{group.Path}' threw: {what}.");
        }
    }
}
