namespace Allot.Bpf;

/// <summary>What ended a run before its exit.</summary>
public enum BpfFaultKind
{
    /// <summary>Nothing did.</summary>
    None,

    /// <summary>The run had used up its instructions.</summary>
    OutOfBudget,

    /// <summary>A load or store outside of the stack, the memory of the run, and the values of the program's maps.
    /// </summary>
    OutOfBounds,

    /// <summary>An atomic operation at an address that is no multiple of its size.</summary>
    Misaligned,

    /// <summary>A call of a function inside of as many calls as there may be.</summary>
    CallTooDeep,

    /// <summary>A helper was given what is not a map of this program, or memory that the program may not use.</summary>
    BadArgument,

    /// <summary>A helper of the host has thrown an exception.</summary>
    HelperFailed,

    /// <summary>A call through a register that holds the number of no helper.</summary>
    NoSuchHelper,
}
