namespace Allot.Bpf;

/// <summary>How much is proven before a program is accepted.</summary>
public enum BpfVerification
{
    /// <summary>Everything that the verifier of Linux proves: that loops end, that registers and stack hold something
    /// before they are read, that accesses are inside of their memory, that helpers get what they need.</summary>
    Full,

    /// <summary>That every instruction is one that exists and every jump has a target. What goes wrong then is a fault
    /// of the run.</summary>
    Structure,
}
