namespace Allot;

/// <summary>When the pages of locked memory are brought in.</summary>
public enum MemoryLockMode
{
    /// <summary>Now: when the call returns, all of it is there.</summary>
    Now,

    /// <summary>Each when it is first touched. All of it is charged from the start, as the system counts it.</summary>
    OnFault,
}
