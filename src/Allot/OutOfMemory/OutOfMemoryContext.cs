namespace Allot;

/// <summary>A limit that was met, with nothing left to reclaim, and the groups that could be killed.</summary>
public sealed class OutOfMemoryContext
{
    internal OutOfMemoryContext()
    {
    }

    /// <summary>The group whose limit was met. Only groups at or below it can be chosen.</summary>
    public required MemoryGroup Limiter { get; init; }

    /// <summary>Which of its counters: <see cref="CounterKind.Memory"/> or <see cref="CounterKind.Kernel"/>.</summary>
    public required CounterKind Counter { get; init; }

    /// <summary>The group that was charged; in a preview the limiter.</summary>
    public required MemoryGroup Requester { get; init; }

    /// <summary>The bytes of the charge; 0 in a preview.</summary>
    public required long RequestedBytes { get; init; }

    /// <summary>The bytes the limiter has in use.</summary>
    public required long CurrentBytes { get; init; }

    /// <summary>The limiter's limit in bytes.</summary>
    public required long MaxBytes { get; init; }

    /// <summary>Every group at or below the limiter that uses bytes of the counter, in no particular order; without the
    /// root, the exempt and those that were killed already.</summary>
    public required IReadOnlyList<OutOfMemoryCandidate> Candidates { get; init; }

    /// <summary>Whether somebody only wants to know: nobody will be killed.</summary>
    public required bool IsPreview { get; init; }
}
