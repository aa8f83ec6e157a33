namespace Allot;

/// <summary>A charge was refused. The message explains; <see cref="Refusal"/> has the numbers.</summary>
/// <remarks>The process is not short of memory: one group is at its limit, and nothing has changed by the
/// attempt.</remarks>
public sealed class MemoryLimitExceededException : OutOfMemoryException
{
    /// <summary>Creates the exception for a refusal.</summary>
    public MemoryLimitExceededException(ChargeRefusal refusal)
        : base(refusal.ToString()) => Refusal = refusal;

    internal MemoryLimitExceededException(string what, ChargeRefusal refusal)
        : base($"{what} {refusal}") => Refusal = refusal;

    /// <summary>What was asked, of whom, and which limit said no.</summary>
    public ChargeRefusal Refusal { get; }
}
