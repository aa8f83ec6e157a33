namespace Allot.Bpf;

/// <summary>What a program of a policy is run for; the state of its execution.</summary>
/// <param name="Group">The group that the policy is attached to: the program may look at, and act on, this one and
/// those below it.</param>
/// <param name="Notice">What it is told.</param>
internal sealed record BpfPolicyCall(MemoryGroup Group, PolicyNotice Notice);
