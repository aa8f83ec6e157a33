// How a group may end, and whether it has. A group that nobody asked carries a null instead.
//
// The token. Who asks for it first creates the source; who kills fires it. Both may happen at once: the asker stores
// the source and then looks for the ending, the killer stores the ending and then looks for the source, each with a
// full fence between. So a source that the killer did not see is fired by the one who has created it.

using System.Diagnostics;

namespace Allot;

internal sealed class GroupLife
{
    private const long NoPriority = long.MinValue;

    private CancellationTokenSource? _source;
    private GroupEnding? _ending;
    private long _priority = NoPriority;
    private volatile bool _killsAsOne;

    /// <summary>How it was killed; null while it was not. Set once.</summary>
    public GroupEnding? Ending => Volatile.Read(ref _ending);

    public bool KillsAsOne
    {
        get => _killsAsOne;
        set => _killsAsOne = value;
    }

    /// <summary>The priority set for this very group; null when its parent's counts.</summary>
    public int? Priority
    {
        get => Volatile.Read(ref _priority) is var priority and not NoPriority ? (int)priority : null;
        set => Volatile.Write(ref _priority, value ?? NoPriority);
    }

    public CancellationToken Token
    {
        get
        {
            if (Volatile.Read(ref _source) is { } known) return known.Token;
            if (Ending is not null) return new CancellationToken(canceled: true);
            var created = new CancellationTokenSource();
            if (Interlocked.CompareExchange(ref _source, created, null) is { } earlier) return earlier.Token;
            if (Ending is not null) created.Cancel();   // ours, and nobody has it yet: no foreign code runs
            return created.Token;
        }
    }

    public void End_NeedsLock(GroupEnding ending)
    {
        Debug.Assert(_ending is null, "A group is killed once.");
        Interlocked.Exchange(ref _ending, ending);
    }

    /// <summary>Fires the token, if anybody has asked for it: runs foreign code, whose exceptions come out of here.
    /// </summary>
    public void Fire()
    {
        Debug.Assert(_ending is not null, "What was killed is told so.");
        Volatile.Read(ref _source)?.Cancel();
    }
}
