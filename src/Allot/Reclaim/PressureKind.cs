namespace Allot;

/// <summary>Which of the two stall times of <see cref="MemoryPressure"/>.</summary>
public enum PressureKind
{
    /// <summary>At least one flow waits.</summary>
    Some,

    /// <summary>Every flow that charges waits.</summary>
    Full,
}
