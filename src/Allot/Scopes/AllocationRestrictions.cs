namespace Allot;

/// <summary>What the scopes around the calling code forbid or change.</summary>
[Flags]
public enum AllocationRestrictions
{
    /// <summary>No scope, or none that restricts.</summary>
    None = 0,

    /// <summary>See <see cref="AllocationScope.NoFs"/>.</summary>
    NoFs = 1 << 0,

    /// <summary>See <see cref="AllocationScope.NoIo"/>.</summary>
    NoIo = 1 << 1,

    /// <summary>See <see cref="AllocationScope.NoReclaim"/>.</summary>
    NoReclaim = 1 << 2,

    /// <summary>See <see cref="AllocationScope.NoPin"/>.</summary>
    NoPin = 1 << 3,

    /// <summary>See <see cref="AllocationScope.Atomic"/>.</summary>
    Atomic = 1 << 4,

    /// <summary>See <see cref="AllocationScope.DenyAllocations"/>.</summary>
    DenyAllocations = 1 << 5,

    /// <summary>See <see cref="AllocationScope.BlockAccounting"/>.</summary>
    BlockAccounting = 1 << 6,

    /// <summary>See <see cref="AllocationScope.NoThrowOnLimit"/>.</summary>
    NoThrowOnLimit = 1 << 7,
}
