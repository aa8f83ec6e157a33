namespace Allot;

/// <summary>The policies that come with the library.</summary>
public static class OutOfMemoryPolicy
{
    /// <summary>The <c>OutOfMemoryPriority</c> of groups that no policy kills.</summary>
    public const int NeverKilled = int.MinValue;

    /// <summary>Kills nobody: the charge is refused. The default.</summary>
    public static IOutOfMemoryPolicy Refuse { get; } = new RefusePolicy();

    /// <summary>Kills the group that itself holds the most bytes, whatever its priority.</summary>
    public static IOutOfMemoryPolicy Largest { get; } = new LargestPolicy();

    /// <summary>Kills, of the groups with the highest priority that hold bytes themselves, the one that holds the
    /// most.</summary>
    public static IOutOfMemoryPolicy Priority { get; } = new PriorityPolicy();
}
