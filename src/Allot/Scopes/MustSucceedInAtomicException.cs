namespace Allot;

/// <summary>A request that must succeed was made inside of <see cref="AllocationScope.Atomic"/>, where nothing may
/// wait: no answer would be right. Thrown at the call, whether there is room or not.</summary>
public sealed class MustSucceedInAtomicException : InvalidOperationException
{
    /// <summary>Creates the exception.</summary>
    public MustSucceedInAtomicException()
        : base(
            "AllocationFlags.MustSucceed cannot be asked for inside of AllocationScope.Atomic: what must succeed may "
            + "have to wait, and nothing may wait there. Allocate before the scope, or cope with refusal.")
    {
    }
}
