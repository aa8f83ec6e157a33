namespace Allot;

/// <summary>What a thread of a group is like. The defaults are those of <see cref="Thread"/>.</summary>
public sealed class GroupThreadOptions
{
    /// <summary>The size of the stack in bytes. Default: 0, for <see cref="GroupThread.DefaultStackBytes"/>. Less
    /// than 64 KiB is taken as 64 KiB, and the system rounds up.</summary>
    public int StackBytes { get; init; }

    /// <summary>The name of the thread. Default: none.</summary>
    public string? Name { get; init; }

    /// <summary>Whether the process may end while the thread runs. Default: false.</summary>
    public bool IsBackground { get; init; }

    /// <summary>The priority, as far as the system knows any. Default: normal.</summary>
    public ThreadPriority Priority { get; init; } = ThreadPriority.Normal;

    /// <summary>Whether the flow of the starter (<see cref="ExecutionContext"/>: async locals, flowing scopes) goes on
    /// in the thread. Default: true.</summary>
    public bool FlowsContext { get; init; } = true;

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegative(StackBytes, nameof(StackBytes));
        if (Priority is < ThreadPriority.Lowest or > ThreadPriority.Highest)
        {
            throw new ArgumentOutOfRangeException(nameof(Priority), Priority, "The priority is Lowest to Highest.");
        }
    }
}
