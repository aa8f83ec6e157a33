namespace Allot.Bpf;

/// <summary>A function of a program as machine code.</summary>
/// <param name="execution">The run; it has the fault if there is one, and then the result means nothing.</param>
/// <param name="r10">The end of the stack of the function.</param>
/// <param name="r1">The first argument.</param>
/// <param name="r2">The second one.</param>
/// <param name="r3">The third one.</param>
/// <param name="r4">The fourth one.</param>
/// <param name="r5">The fifth one.</param>
/// <returns>What the function leaves in r0.</returns>
internal delegate ulong CompiledFunction(
    BpfExecution execution, ulong r10, ulong r1, ulong r2, ulong r3, ulong r4, ulong r5);
