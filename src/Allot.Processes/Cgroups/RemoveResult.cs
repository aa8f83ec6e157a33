namespace Allot.Processes.Cgroups;

/// <summary>Whether a cgroup and everything that was made for it is gone, and otherwise what is left and why.</summary>
internal readonly record struct RemoveResult(string? LeftPath, string? Reason)
{
    internal static RemoveResult Done => default;

    internal bool IsRemoved => LeftPath is null;

    public override string ToString() => IsRemoved ? "removed" : $"'{LeftPath}' could not be removed: {Reason}";
}
