namespace Allot.Bpf;

/// <summary>A <see cref="MemoryPolicy"/> made of programs: each point has one, or none. They are given a
/// <see cref="BpfPolicyContext"/>, and may call <see cref="BpfPolicyHelpers"/>.</summary>
/// <remarks>
/// <para>A run that does not reach its exit, because of its budget or whatever else, is a fault of the policy: counted
/// in <see cref="MemoryEvents.PolicyErrors"/>, and the default is done. So is a program that was disposed.</para>
/// <para>Load the programs in a group of their own: a run may need a stack, which their group is charged for, and while
/// they are told of a charge the charged group takes none.</para>
/// </remarks>
public sealed class BpfPolicy
{
    /// <summary>What the policy is called in messages.</summary>
    public string Name { get; init; } = "program";

    /// <summary>See <see cref="MemoryPolicy.OutOfMemory"/>. Returns 1 when it has made room.</summary>
    public BpfProgram? OutOfMemory { get; init; }

    /// <summary>See <see cref="MemoryPolicy.Charged"/>. Returns the delay in nanoseconds; a negative number is 0.
    /// </summary>
    public BpfProgram? Charged { get; init; }

    /// <summary>See <see cref="MemoryPolicy.Uncharged"/>. What it returns means nothing.</summary>
    public BpfProgram? Uncharged { get; init; }

    /// <summary>See <see cref="MemoryPolicy.OverHigh"/>. Returns the delay in nanoseconds, or a negative number for
    /// that of the context.</summary>
    public BpfProgram? OverHigh { get; init; }

    /// <summary>See <see cref="MemoryPolicy.BelowLow"/>. Returns 1 to protect.</summary>
    public BpfProgram? BelowLow { get; init; }

    /// <summary>See <see cref="MemoryPolicy.BelowMin"/>. Returns 1 to protect.</summary>
    public BpfProgram? BelowMin { get; init; }

    /// <summary>See <see cref="MemoryPolicy.GroupCreated"/>. What it returns means nothing.</summary>
    public BpfProgram? GroupCreated { get; init; }

    /// <summary>See <see cref="MemoryPolicy.GroupRemoved"/>. What it returns means nothing.</summary>
    public BpfProgram? GroupRemoved { get; init; }
}
