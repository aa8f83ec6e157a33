namespace Allot;

/// <summary>Memory was asked for inside of <see cref="AllocationScope.DenyAllocations"/>; nothing was charged.
/// </summary>
public sealed class AllocationDeniedException : InvalidOperationException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What was asked for, and where the scope was entered.</param>
    public AllocationDeniedException(string message)
        : base(message)
    {
    }
}
