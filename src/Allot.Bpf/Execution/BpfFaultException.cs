namespace Allot.Bpf;

/// <summary>A run of a program ended before its exit. What it has changed in maps and memory stays changed.</summary>
/// <param name="fault">What happened, and where.</param>
/// <param name="cause">What a helper of the host has thrown, if one has.</param>
public sealed class BpfFaultException(BpfFault fault, Exception? cause) : Exception(fault.ToString(), cause)
{
    /// <summary>What happened, and where.</summary>
    public BpfFault Fault { get; } = fault;
}
