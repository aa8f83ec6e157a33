namespace Allot.Analyzers;

/// <summary>A scope that the code enters at one place.</summary>
internal sealed class EnteredScope(string name, ulong removedBits, bool isAtomic = false, bool flows = false)
{
    /// <summary>How the code calls it: <c>AllocationScope.NoFs</c>.</summary>
    internal string Name { get; } = name;

    /// <summary>The flags that requests inside it do not have.</summary>
    internal ulong RemovedBits { get; } = removedBits;

    /// <summary>Whether it holds for asynchronous work that is started inside.</summary>
    internal bool Flows { get; } = flows;

    internal bool IsAtomic { get; } = isAtomic;
}
