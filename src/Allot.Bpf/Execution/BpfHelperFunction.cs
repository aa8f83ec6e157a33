namespace Allot.Bpf;

/// <summary>What a helper does when a program calls it.</summary>
/// <param name="execution">The run that calls; memory is read and written through it.</param>
/// <param name="r1">The first argument, whatever the program has in its register.</param>
/// <param name="r2">The second one.</param>
/// <param name="r3">The third one.</param>
/// <param name="r4">The fourth one.</param>
/// <param name="r5">The fifth one.</param>
/// <returns>What the program finds in r0.</returns>
public delegate ulong BpfHelperFunction(
    BpfExecution execution, ulong r1, ulong r2, ulong r3, ulong r4, ulong r5);
